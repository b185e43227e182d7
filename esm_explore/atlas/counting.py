"""What is counted of each code, part by part: memory grows with the codes, not with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from esm_explore.atlas.adjacent import around_of
from esm_explore.atlas.categories import KINDS, categories_of
from esm_explore.atlas.families import Families
from esm_explore.atlas.family_sums import FamilySums
from esm_explore.atlas.pairs import PairCounts
from esm_explore.atlas.schema import DSSP
from esm_explore.atlas.threedi import letters_3di

_PLAIN = [
    *("index", "number", "amino_acid", "ss", "ss_from", "phi", "psi", "burial"),
    *("has_frame", "token", "margin", "runner_up"),
]
# The column of a kind's categories, and last of how many residues it is known; first one of all.
_ENDS = np.cumsum([1, *(len(names) + 1 for names in KINDS.values())]).tolist()
COLUMNS = {
    "all": slice(0, 1),
    **{kind: slice(*ends) for kind, ends in zip(KINDS, pairwise(_ENDS), strict=True)},
}


@dataclass(frozen=True, eq=False)
class Rows:
    """Residues with a backbone frame of one part.

    Attributes
    ----------
    table : DataFrame
        Columns of the residues that are one value each, and chain, the chain's number in the
        atlas.
    places : ndarray, shape=(N,), dtype=int64
        Rows of the part's file.
    latents : ndarray, shape=(N, d_code), dtype=float32
        None where they were not asked for.
    """

    table: pd.DataFrame
    places: np.ndarray
    latents: np.ndarray | None


def read_rows(parts: Iterable[Path], *, latents: bool = True) -> Iterator[Rows]:
    """Read parts, one at a time; the files of an atlas hold whole chains."""
    n_chains = 0
    for part in parts:
        table = pq.ParquetFile(part).read(columns=_PLAIN).to_pandas()
        table["chain"] = (table["index"] == 0).cumsum() + (n_chains - 1)
        n_chains = int(table["chain"].iloc[-1]) + 1
        framed = table["has_frame"].to_numpy()
        found = None
        if latents:
            found = latents_of(pq.ParquetFile(part).read(columns=["latent"])["latent"])[framed]
        yield Rows(table[framed].reset_index(drop=True), np.flatnonzero(framed), found)


def latents_of(column: pa.ChunkedArray) -> np.ndarray:
    """Make an array, shape=(N, d_code), dtype=float32, of a column of latents."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), -1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Counts:
    """What is counted of each code.

    Attributes
    ----------
    count, chains : ndarray, shape=(n_codes,), dtype=int64
    margin : ndarray, shape=(n_codes,), dtype=float64
        Mean, a family counting as one chain; 0 where there is none.
    marks : ndarray, shape=(n_codes, n_columns), dtype=int64
        Residues of each category, in `COLUMNS`.
    sums : FamilySums
        The same, where a family counts as one chain.
    pairs : PairCounts
    means : ndarray, shape=(n_codes, d_code), dtype=float32
        Of latents, likewise.
    dssp : int
        Residues whose secondary structure is DSSP's.
    crossed : ndarray, shape=(20, 9), dtype=int64
        Residues by 3Di letter and secondary structure.
    """

    count: np.ndarray
    chains: np.ndarray
    margin: np.ndarray
    marks: np.ndarray
    sums: FamilySums
    pairs: PairCounts
    means: np.ndarray
    dssp: int
    crossed: np.ndarray


def count_codes(parts: list[Path], n_codes: int, families: Families) -> Counts:
    """Count in all parts."""
    numbering = pq.read_schema(parts[0]).metadata[b"esm_explore.numbering"].decode()
    count, chains = np.zeros((2, n_codes), np.int64)
    margin, dssp, latent_sums = np.zeros(n_codes), 0, np.zeros((n_codes, 1))
    marked = np.zeros((n_codes, _ENDS[-1]), np.int64)
    crossed = np.zeros((len(KINDS["threedi"]), len(KINDS["ss"])), np.int64)
    sums, pairs = FamilySums(families, n_codes, COLUMNS), PairCounts(families, n_codes)
    for i, (part, rows) in enumerate(zip(parts, read_rows(parts), strict=True)):
        table = rows.table
        token = table["token"].to_numpy()
        count += np.bincount(token, minlength=n_codes)
        weight = families.weight[families.of_chain[table["chain"].to_numpy()]]
        margin += np.bincount(token, table["margin"] * weight, minlength=n_codes)
        met = table[["token", "chain"]].drop_duplicates()["token"]
        chains += np.bincount(met, minlength=n_codes)
        letters = letters_3di(part)
        if letters is None:
            letters = np.full(len(table), "")
        found = categories_of(table, around_of(part, numbering), letters)
        crossed += found["threedi"][:, :-1].T.astype(np.int64) @ found["ss"][:, :-1]
        marks = np.hstack([np.ones((len(table), 1), np.uint8), *found.values()])
        marked += _of_codes(token, np.ones(len(token), np.int64), n_codes) @ marks
        sums.add(i, token, table["chain"].to_numpy(), marks)
        pairs.add(i, table)
        latent_sums = latent_sums + _of_codes(token, weight, n_codes) @ rows.latents
        dssp += int((table["ss_from"] == DSSP).sum())
    whole = np.where(count > 0, sums.counts[:, 0], 1)
    means = (latent_sums / whole[:, None]).astype(np.float32)
    return Counts(count, chains, margin / whole, marked, sums, pairs, means, dssp, crossed)


def _of_codes(token: np.ndarray, weight: np.ndarray, n_codes: int) -> csr_array:
    """Make a matrix that sums rows of each code, shape=(n_codes, N)."""
    n = len(token)
    return csr_array((weight, (token, np.arange(n))), shape=(n_codes, n))


def closest(
    rows_of: Iterable[Rows], value: Callable[[Rows], np.ndarray], n: int, families: Families
) -> pd.DataFrame:
    """Find the residues of each code whose value is smallest, each of another family.

    Parameters
    ----------
    rows_of : iterable of Rows
        One for each part.
    value : callable
        Gives a number a row.
    n : int
        How many of each code.
    families : Families

    Returns
    -------
    DataFrame
        token, family, value, part (index) and row, by token and value.
    """
    best = None
    for i, rows in enumerate(rows_of):
        new = pd.DataFrame(
            {
                "token": rows.table["token"],
                "family": families.of_chain[rows.table["chain"].to_numpy()],
                "value": value(rows),
                "part": i,
                "row": rows.places,
            }
        )
        both = new if best is None else pd.concat([best, new])
        # Equal values come in the order of the atlas.
        both = both.sort_values(["token", "value", "part", "row"])
        both = both.drop_duplicates(["token", "family"])
        best = both.groupby("token").head(n)
    return best.reset_index(drop=True)
