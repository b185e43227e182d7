"""Pairs of conformations for `pairs.py`: two files read, and what is odd in them told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain

ARRAYS, TABLE = "pairs.npz", "pairs.csv"
ABSENT = -(2**31)
# The order of the atoms where the file does not say it.
ATOMS = ("N", "CA", "C", "O", "CB")
_NEEDED = (
    *("chain", "start", "size", "seq", "resnum", "icode", "xyz"),
    *("pair_id", "chain_a", "chain_b", "pair_start", "pair_size", "index_a", "index_b"),
)
# A movement is that of three residues at least.
_FEWEST = 3


class PairsError(Exception):
    """What is wrong with a folder of pairs, in a sentence."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of conformations.

    Attributes
    ----------
    chains : list of ProteinChain
    table : DataFrame
        One row a pair: kind and tm_align.
    members : list of (int, int)
        Which chains.
    paired : list of (ndarray, ndarray)
        Indices of residues that belong together.
    left_out : list of str
        Which pairs say nothing, and why, a sentence each.
    """

    chains: list[ProteinChain]
    table: pd.DataFrame
    members: list[tuple[int, int]]
    paired: list[tuple[np.ndarray, np.ndarray]]
    left_out: list[str]


def read_pairs(folder: Path) -> Pairs:
    """Read ``pairs.npz`` and ``pairs.csv``; a `PairsError` where that cannot be."""
    data, table = _arrays(folder), _table(folder)
    chains, names = _chains(data), data["pair_id"].astype(str)
    unknown = [name for name in names if name not in table.index]
    if unknown:
        raise PairsError(f"{folder / TABLE} has no row for {', '.join(unknown)} of {ARRAYS}.")
    members, paired, kept, left_out = [], [], [], []
    for place, name in enumerate(names):
        a, b = int(data["chain_a"][place]), int(data["chain_b"][place])
        start = data["pair_start"][place]
        rows = slice(start, start + data["pair_size"][place])
        i, j = data["index_a"][rows], data["index_b"][rows]
        for chain, index in ((a, i), (b, j)):
            if not 0 <= chain < len(chains) or not (index < len(chains[chain])).all():
                raise PairsError(
                    f"{folder / ARRAYS}: pair {name} has a chain or a residue that is not there."
                )
        framed = _has_backbone(chains[a])[i] & _has_backbone(chains[b])[j]
        if a == b:
            left_out.append(f"{name}: a chain with itself")
        elif framed.sum() < _FEWEST:
            left_out.append(f"{name}: {framed.sum()} paired residues have a backbone in both")
        else:
            members.append((a, b))
            paired.append((i, j))
            kept.append(name)
    if not kept:
        raise PairsError(
            f"{folder} has no pair to measure: {'; '.join(left_out) or 'none at all'}."
        )
    used = sorted({chain for both in members for chain in both})
    renumbered = [(used.index(a), used.index(b)) for a, b in members]
    return Pairs([chains[c] for c in used], table.loc[kept], renumbered, paired, left_out)


def _arrays(folder: Path) -> dict[str, np.ndarray]:
    path = folder / ARRAYS
    if not path.is_file():
        raise PairsError(f"There is no {ARRAYS} in {folder}: give the folder that has it.")
    try:
        with np.load(path) as file:
            data = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise PairsError(f"{path} cannot be read, it is damaged or cut off ({error}).") from error
    missing = [name for name in _NEEDED if name not in data]
    if missing:
        raise PairsError(f"{path} lacks {', '.join(missing)}.")
    return data


def _table(folder: Path) -> pd.DataFrame:
    path = folder / TABLE
    if not path.is_file():
        raise PairsError(f"There is no {TABLE} in {folder}, which has kind and TM-score of a pair.")
    table = pd.read_csv(path, dtype={"pair_id": str, "kind": str})
    missing = [name for name in ("pair_id", "kind", "tm_align") if name not in table]
    if missing:
        raise PairsError(f"{path} lacks the columns {', '.join(missing)}.")
    twice = table["pair_id"][table["pair_id"].duplicated()]
    if len(twice):
        raise PairsError(f"{path} has {', '.join(twice.unique())} more than once.")
    return table.set_index("pair_id")


def _chains(data: dict[str, np.ndarray]) -> list[ProteinChain]:
    places = np.where(data["xyz"] == ABSENT, np.nan, data["xyz"] / 1000)
    atoms = [residue_constants.atom_order[str(name)] for name in data.get("atoms", ATOMS)]
    chains = []
    for name, start, size in zip(data["chain"], data["start"], data["size"], strict=True):
        rows = slice(start, start + size)
        positions = np.full((size, 37, 3), np.nan, np.float32)
        positions[:, atoms] = places[rows]
        entry, _, chain_id = str(name).partition("_")
        codes = [chr(code).strip() for code in data["icode"][rows]]
        chains.append(
            ProteinChain(
                id=entry,
                sequence=data["seq"][rows].tobytes().decode(),
                chain_id=chain_id,
                entity_id=None,
                residue_index=data["resnum"][rows].astype(np.int64),
                insertion_code=np.array(codes, dtype="<U4"),
                atom37_positions=positions,
                atom37_mask=np.isfinite(positions).all(-1),
                confidence=np.ones(size, dtype=np.float32),
            )
        )
    return chains


def _has_backbone(chain: ProteinChain) -> np.ndarray:
    return chain.atom37_mask[:, :3].all(1)
