"""Residue numbers: what the encoder is told about the order of residues, and gaps in it."""

from __future__ import annotations

from collections import Counter

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.diagnosis.backbone import BONDED
from esm_explore.diagnosis.findings import Finding


def residue_labels(chain: ProteinChain) -> list[str]:
    """Give each residue's number and insertion code, such as ``57`` or ``57A``."""
    codes = np.char.strip(np.asarray(chain.insertion_code, dtype=str))
    return [f"{int(n)}{c}" for n, c in zip(chain.residue_index, codes, strict=True)]


def repeated_numbers(chain: ProteinChain) -> list[Finding]:
    """Find residues that have the number and code of another.

    Parameters
    ----------
    chain : ProteinChain

    Returns
    -------
    list of Finding
    """
    # esm 3.4 numbers all residues that were not observed -1.
    seen = np.isfinite(chain.atom37_positions[:, :3]).all((1, 2))
    counts = Counter(np.array(residue_labels(chain), dtype=object)[seen])
    repeated = [label for label, count in counts.items() if count > 1]
    if not repeated:
        return []
    return [
        Finding(
            "warning",
            "residue numbers that occur more than once",
            tuple(repeated),
            "Equal numbers are the same place in the chain to the encoder: these may be several "
            "chains under one id.",
            "Encode each chain by itself, or number residues once.",
        )
    ]


def gaps(chain: ProteinChain) -> list[Finding]:
    """Find where numbers jump, where the chain is broken, and where only one of the two is so.

    Parameters
    ----------
    chain : ProteinChain

    Returns
    -------
    list of Finding
        Residues are those before each gap.
    """
    labels = residue_labels(chain)
    backbone = chain.atom37_positions[:, :3].astype(float)
    step = np.diff(chain.residue_index)
    bond = np.linalg.norm(backbone[:-1, 2] - backbone[1:, 0], axis=1)
    known, bonded = np.isfinite(bond), bond < BONDED
    # Residues with insertion codes share a number.
    regular = (step == 0) | (step == 1)
    rows = [
        (
            "warning",
            "residues are missing after",
            ~regular & known & ~bonded,
            "Their places in neighbourhoods are taken by residues farther away.",
            "Distrust tokens beside a gap, or model the missing residues.",
        ),
        (
            "warning",
            "the chain is broken, but numbers go on, after",
            regular & known & ~bonded,
            "The encoder is told that residues are next to each other which are not bonded.",
            "Are residues missing there? Then number those after it accordingly.",
        ),
        (
            "note",
            "numbers jump, but the chain goes on, after",
            ~regular & bonded,
            "The encoder is told of a distance along the chain that is not there.",
            'Compare with numbering="sequential".',
        ),
    ]
    return [
        Finding(severity, title, tuple(labels[i] for i in np.flatnonzero(mask)), why, remedy)
        for severity, title, mask, why, remedy in rows
        if mask.any()
    ]


def insertions(chain: ProteinChain) -> list[Finding]:
    """Find residues with insertion codes.

    Parameters
    ----------
    chain : ProteinChain

    Returns
    -------
    list of Finding
    """
    labels = residue_labels(chain)
    inserted = tuple(label for label in labels if label[-1].isalpha())
    if not inserted:
        return []
    return [
        Finding(
            "note",
            "residues with insertion codes",
            inserted,
            "The encoder sees numbers without codes: 37, 37A and 37B are at the same place in the "
            "chain to it.",
            'Compare with numbering="sequential".',
        )
    ]
