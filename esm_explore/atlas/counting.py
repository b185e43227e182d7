"""What is counted of each code, part by part: memory grows with the codes, not with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from esm_explore.atlas.schema import DSSP
from esm_explore.atlas.statistics import KINDS, classes

_PLAIN = [
    *("index", "amino_acid", "ss", "ss_from", "phi", "psi", "burial"),
    *("has_frame", "token", "margin", "runner_up"),
]


@dataclass(frozen=True, eq=False)
class Rows:
    """Residues with a backbone frame of one part.

    Attributes
    ----------
    table : DataFrame
        Columns of the residues that are one value each, and chain, the chain's number in the atlas.
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
        table["chain"] = (table["index"] == 0).cumsum() + n_chains
        n_chains = int(table["chain"].iloc[-1])
        framed = table["has_frame"].to_numpy()
        found = None
        if latents:
            found = latents_of(pq.ParquetFile(part).read(columns=["latent"])["latent"])[framed]
        yield Rows(table[framed].reset_index(drop=True), np.flatnonzero(framed), found)


def latents_of(column) -> np.ndarray:
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
        Sum.
    categories : dict of str to ndarray, shape=(n_codes, n_categories), dtype=int64
        By kind.
    borders, following : ndarray, shape=(n_codes, n_codes), dtype=int32
        Runner-up codes; codes of the next residue that is bonded.
    means : ndarray, shape=(n_codes, d_code), dtype=float32
        Of latents; 0 where there are none.
    dssp : int
        Residues whose secondary structure is DSSP's.
    """

    count: np.ndarray
    chains: np.ndarray
    margin: np.ndarray
    categories: dict[str, np.ndarray]
    borders: np.ndarray
    following: np.ndarray
    means: np.ndarray
    dssp: int


def count_codes(parts: list[Path], n_codes: int) -> Counts:
    """Count in all parts."""
    count, chains = np.zeros((2, n_codes), np.int64)
    margin = np.zeros(n_codes)
    categories = {kind: np.zeros((n_codes, len(names)), int) for kind, names in KINDS.items()}
    borders, following = np.zeros((2, n_codes, n_codes), np.int32)
    sums, dssp = np.zeros((n_codes, 1)), 0
    for rows in read_rows(parts):
        table = rows.table
        token = table["token"].to_numpy()
        count += np.bincount(token, minlength=n_codes)
        margin += np.bincount(token, table["margin"], minlength=n_codes)
        met = table[["token", "chain"]].drop_duplicates()["token"]
        chains += np.bincount(met, minlength=n_codes)
        for kind, found in classes(table).items():
            known = found >= 0
            np.add.at(categories[kind], (token[known], found[known]), 1)
        np.add.at(borders, (token, table["runner_up"].to_numpy()), 1)
        first = _before_a_bonded(table)
        np.add.at(following, (token[first], token[first + 1]), 1)
        sums = sums + _sums(token, rows.latents, n_codes)
        dssp += int((table["ss_from"] == DSSP).sum())
    means = (sums / np.maximum(count, 1)[:, None]).astype(np.float32)
    return Counts(count, chains, margin, categories, borders, following, means, dssp)


def _before_a_bonded(table: pd.DataFrame) -> np.ndarray:
    """Find rows whose next row is the next residue of the chain, bonded: these have a psi."""
    index, chain = table["index"].to_numpy(), table["chain"].to_numpy()
    next_one = (np.diff(index) == 1) & (np.diff(chain) == 0)
    return np.flatnonzero(next_one & table["psi"].notna().to_numpy()[:-1])


def _sums(token: np.ndarray, latents: np.ndarray, n_codes: int) -> np.ndarray:
    order = np.argsort(token, kind="stable")
    codes, first = np.unique(token[order], return_index=True)
    sums = np.zeros((n_codes, latents.shape[1]))
    sums[codes] = np.add.reduceat(latents[order].astype(np.float64), first)
    return sums


def closest(rows_of: Iterable[Rows], value: Callable[[Rows], np.ndarray], n: int) -> pd.DataFrame:
    """Find the residues of each code whose value is smallest, each of another chain.

    Parameters
    ----------
    rows_of : iterable of Rows
        One for each part.
    value : callable
        Gives a number a row.
    n : int
        How many of each code.

    Returns
    -------
    DataFrame
        token, chain, value, part (index) and row, by token and value.
    """
    best = None
    for i, rows in enumerate(rows_of):
        new = rows.table[["token", "chain"]].assign(value=value(rows), part=i, row=rows.places)
        both = new if best is None else pd.concat([best, new])
        # Equal values come in the order of the atlas.
        both = both.sort_values(["token", "value", "part", "row"])
        both = both.drop_duplicates(["token", "chain"])
        best = both.groupby("token").head(n)
    return best.reset_index(drop=True)
