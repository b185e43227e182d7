"""Which chains of an atlas are of one family: they are not so many independent observations."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from esm_explore.arguments import as_path, wrong
from esm_explore.errors import AtlasError, TraceError, warn
from esm_explore.findings import some
from esm_explore.outputs import shown

FAMILIES = pa.schema(
    {
        "structure": pa.string(),
        "chain": pa.string(),
        "residues": pa.int32(),  # with a backbone frame
        "family": pa.string(),  # as given; else of the sequence
    }
)
_COLUMNS = ("index", "structure", "chain", "amino_acid", "has_frame")


class Families:
    """The family of each chain of an atlas.

    Parameters
    ----------
    table : DataFrame
        One row a chain, in the order of the residues: structure, chain, residues, family, part.

    Attributes
    ----------
    table : DataFrame
    of_chain : ndarray, shape=(n_chains,), dtype=int64
        Numbers of families.
    weight : ndarray, shape=(n_families,), dtype=float64
        Of a residue: 1 / the chains of its family, so that a family counts as one average chain.
    size : ndarray, shape=(n_families,), dtype=float64
        Residues with a backbone frame of that chain.
    last_part : ndarray, shape=(n_families,), dtype=int64
        After which all of a family has been seen.
    """

    def __init__(self, table: pd.DataFrame):
        self.table = table
        self.of_chain, names = pd.factorize(table["family"])
        chains = np.bincount(self.of_chain, minlength=len(names))
        self.weight = 1 / chains
        residues = np.bincount(self.of_chain, table["residues"], minlength=len(names))
        self.size = residues * self.weight
        self.last_part = np.zeros(len(names), np.int64)
        np.maximum.at(self.last_part, self.of_chain, table["part"].to_numpy())

    def __len__(self) -> int:
        return len(self.weight)

    def to_arrow(self) -> pa.Table:
        """Give what an atlas keeps of them."""
        return pa.Table.from_pandas(self.table[FAMILIES.names], FAMILIES, preserve_index=False)


def families_of(parts: list[Path], given: Mapping[str, str] | None = None) -> tuple[Families, dict]:
    """Find the family of each chain.

    Parameters
    ----------
    parts : list of Path
        Files of residues.
    given : mapping of str to str, optional
        ``structure_chain`` to family. Chains that it does not name, all without it, are of one
        family where their sequences are the same.

    Returns
    -------
    Families
    about : dict
        For the manifest: how many families there are, and how many chains were given one.

    Warns
    -----
    ChainWarning
        If `given` names chains that are not there.
    """
    tables = [_chains(pq.ParquetFile(part).read(columns=_COLUMNS)) for part in parts]
    table = pd.concat([found.assign(part=i) for i, found in enumerate(tables)], ignore_index=True)
    named = table["structure"] + "_" + table["chain"]
    known = named.map(dict(given or {}))
    table["family"] = known.where(known.notna(), table.pop("sequence"))
    unknown = sorted(set(given or {}) - set(named))
    if unknown:
        warn(f"families names chains that are not in the atlas: {some(unknown)}.")
    families = Families(table)
    about = {
        "families": len(families),
        "chains_given_a_family": int(known.notna().sum()),
        "others": "one family where sequences are the same",
    }
    return families, about


def _chains(table: pa.Table) -> pd.DataFrame:
    """Give each chain of a part its name, how many residues have a frame, and its sequence."""
    start = np.flatnonzero(table["index"].to_numpy() == 0)
    first = table.select(["structure", "chain"]).take(pa.array(start)).to_pandas()
    letters = "".join(letter or "X" for letter in table["amino_acid"].to_pylist())
    ends = [*start[1:], len(letters)]
    framed = table["has_frame"].to_numpy().astype(np.int64)
    return first.assign(
        residues=np.add.reduceat(framed, start),
        sequence=[_sequence(letters[i:j]) for i, j in zip(start, ends, strict=True)],
    )


def _sequence(letters: str) -> str:
    digest = hashlib.blake2b(letters.encode(), digest_size=8).hexdigest()
    return f"sequence {digest}"


def given_families(given: object) -> dict[str, str] | None:
    """Take families as a user gave them.

    Parameters
    ----------
    given : mapping, str or path, or None
        ``structure_chain`` to family, or a CSV file of two columns, chain and family.

    Returns
    -------
    dict of str to str

    Raises
    ------
    AtlasError
        If the file cannot be read, or has no such columns, or a chain is in it twice.
    TraceError
        If it is neither.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        if not all(isinstance(text, str) for pair in given.items() for text in pair):
            raise wrong(given, "families", "a mapping of texts: structure_chain to family")
        return dict(given)
    try:
        path = as_path(given, "families")
    except TraceError as error:
        right = "a mapping of structure_chain to family, or a CSV file of chain and family"
        raise wrong(given, "families", right) from error
    return _of_file(path)


def _of_file(path: Path) -> dict[str, str]:
    texts = pa.csv.ConvertOptions(
        column_types={"chain": pa.string(), "family": pa.string()}, strings_can_be_null=False
    )
    try:
        table = pa.csv.read_csv(path, convert_options=texts)
    except (OSError, pa.ArrowException) as error:
        raise AtlasError(f"{shown(path)} is no CSV file of families ({error}).") from error
    if not {"chain", "family"} <= set(table.column_names):
        raise AtlasError(
            f"{shown(path)} has columns {', '.join(table.column_names)}; it has to have chain "
            "(structure_chain, such as 1UBI_A) and family."
        )
    frame = table.select(["chain", "family"]).to_pandas()
    twice = frame[frame["chain"].duplicated()]["chain"].tolist()
    if twice:
        raise AtlasError(f"{shown(path)} names chains twice: {some(twice)}.")
    return dict(zip(frame["chain"], frame["family"], strict=True))
