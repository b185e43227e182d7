"""Several chains in one `ProteinChain`, as esm joins them: a row of "|" between two chains."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

# As esm's `ProteinComplex` joins sequences; ids are joined likewise, so that saved traces and
# copies of the chain still know whose each residue is.
BREAK = "|"
# Numbers between two chains: far beyond what the encoder tells apart (32), and those of ESMFold.
APART = 512


def join(chains: Sequence[ProteinChain], name: str) -> ProteinChain:
    """Join chains as esm's ``ProteinComplex.from_chains`` does.

    Parameters
    ----------
    chains : sequence of ProteinChain
        With ids that differ.
    name : str

    Returns
    -------
    ProteinChain
        Between two chains a row of ``"|"`` without coordinates, numbered -1.
    """
    between = {
        "residue_index": np.array([-1]),
        "insertion_code": np.array([""]),
        "atom37_positions": np.full((1, 37, 3), np.nan, np.float32),
        "atom37_mask": np.zeros((1, 37), bool),
        "confidence": np.zeros(1, np.float32),
    }
    arrays = {}
    for field, row in between.items():
        rows = [part for chain in chains for part in (getattr(chain, field), row)][:-1]
        arrays[field] = np.concatenate(rows)
    return ProteinChain(
        id=name,
        sequence=BREAK.join(chain.sequence for chain in chains),
        chain_id=BREAK.join(str(chain.chain_id) for chain in chains),
        entity_id=None,
        **arrays,
    )


def parts_of(chain: ProteinChain) -> list[tuple[str, slice]]:
    """Give id and rows of each chain that was joined; nothing if it is one chain."""
    if BREAK not in str(chain.sequence):
        return []
    ids = str(chain.chain_id).split(BREAK)
    breaks = [i for i, letter in enumerate(chain.sequence) if letter == BREAK]
    if len(ids) != len(breaks) + 1:
        return []
    edges = [-1, *breaks, len(chain.sequence)]
    rows = [slice(start + 1, end) for start, end in pairwise(edges)]
    return list(zip(ids, rows, strict=True))


def separate_parts(chain: ProteinChain) -> list[ProteinChain]:
    """Give the chains that were joined, each by itself."""
    return [
        ProteinChain(
            id=chain.id,
            sequence=chain.sequence[rows],
            chain_id=name,
            entity_id=None,
            **{
                field: getattr(chain, field)[rows]
                for field in (
                    *("residue_index", "insertion_code", "confidence"),
                    *("atom37_positions", "atom37_mask"),
                )
            },
        )
        for name, rows in parts_of(chain)
    ]


def ids_of_residues(chain: ProteinChain) -> np.ndarray:
    """Give the id of each residue's chain, shape=(L,), dtype=str; "" between two chains."""
    parts = parts_of(chain)
    if not parts:
        return np.full(len(chain.sequence), str(chain.chain_id or ""))
    ids = np.full(len(chain.sequence), "", dtype=f"<U{max(len(name) for name, _ in parts)}")
    for name, rows in parts:
        ids[rows] = name
    return ids


def numbers_apart(chain: ProteinChain) -> np.ndarray:
    """Give residue numbers as the file does, but each chain `APART` beyond the one before it.

    Parameters
    ----------
    chain : ProteinChain

    Returns
    -------
    ndarray, shape=(L,), dtype=int64
        The file's own if it is one chain.
    """
    numbers = np.array(chain.residue_index, dtype=np.int64)
    parts = [rows for _, rows in parts_of(chain)]
    for before, rows in pairwise(parts):
        numbers[rows] += numbers[before].max() + APART - numbers[rows].min()
    return numbers
