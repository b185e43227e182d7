"""What a chain itself says against its tokens: gaps, insertions, odd geometry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain
from scipy.spatial import cKDTree

from esm_explore.chains.backbone import (
    CA_C,
    N_C,
    N_CA,
    alarms,
    flat_frames,
    right_handed_sides,
)
from esm_explore.chains.provenance import reading_of
from esm_explore.chains.residues import repeated_numbers, residue_labels
from esm_explore.diagnosis.file_findings import file_findings
from esm_explore.findings import Finding
from esm_explore.parsing.model import BONDED


def findings_of_chain(chain: ProteinChain) -> list[Finding]:
    """Collect what needs no encoder."""
    reading = reading_of(chain)
    labels = residue_labels(chain)
    found = alarms(chain.atom37_positions, labels)
    if all(finding.severity != "error" for finding in found):
        # With other units or another order of atoms each residue would be odd.
        found += odd_geometry(chain.atom37_positions, labels)
        found += gaps(chain)
    found += [*repeated_numbers(chain), *insertions(chain)]
    return found + (file_findings(chain, reading) if reading else [])


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
            ~regular & known & ~bonded,
            "warning",
            "residues are missing after",
            "Their places in neighborhoods are taken by residues farther away.",
            "Distrust tokens beside a gap, or model the missing residues.",
        ),
        (
            regular & known & ~bonded,
            "warning",
            "the chain is broken, but numbers go on, after",
            "The encoder is told that residues are next to each other which are not bonded.",
            "Are residues missing there? Then number those after it accordingly.",
        ),
        (
            ~regular & bonded,
            "note",
            "numbers jump, but the chain goes on, after",
            "The encoder is told of a distance along the chain that is not there.",
            'Compare with numbering="sequential".',
        ),
    ]
    return [found for mask, *said in rows for found in Finding.at(mask, labels, *said)]


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
    return Finding.at(
        np.array([label[-1].isalpha() for label in labels]),
        labels,
        "note",
        "residues with insertion codes",
        "The encoder sees numbers without codes: 37, 37A and 37B are at the same place in the "
        "chain to it.",
        'Compare with numbering="sequential".',
    )


def odd_geometry(positions: np.ndarray, labels: Sequence[str]) -> list[Finding]:
    """Find single residues that no protein has; for chains without `alarms`.

    Parameters
    ----------
    positions, labels
        As in `alarms`.

    Returns
    -------
    list of Finding
        Bond lengths, CA-CA distances of bonded residues, D-amino acids, and clashes.
    """
    positions = np.where(np.isfinite(positions), positions, np.nan).astype(float)
    n, ca, c = (positions[:, i] for i in range(3))
    with np.errstate(invalid="ignore"):
        stretched = np.abs(_length(n, ca) - N_CA) > 0.15
        stretched |= np.abs(_length(ca, c) - CA_C) > 0.15
        stretched |= np.abs(_length(n, c) - N_C) > 0.35
        bonded = _length(c[:-1], n[1:]) < BONDED
        apart = _length(ca[:-1], ca[1:])
        # 3.8 Å with a trans peptide bond, 2.9 Å with a cis one.
        odd = bonded & (np.abs(apart - 3.8) > 0.25) & (np.abs(apart - 2.95) > 0.25)
    turned = np.concatenate([odd, [False]]) if len(odd) else np.zeros(len(ca), bool)
    why = "The frame or its neighbors are not where they are in a protein."
    check = "Was the structure modeled, interpolated or damaged? Refine it, or distrust these."
    rows = [
        (stretched, "bond lengths or angles that no residue has", why, check),
        (turned, "CA-CA to the next residue is neither 3.8 nor 2.9 Å", why, check),
        (
            right_handed_sides(positions) < 0,
            "D-amino acids",
            "The encoder has hardly seen them.",
            "Right if they are meant; a model may have flipped them.",
        ),
        (
            _clashing(positions),
            "backbone atoms closer than 2.2 Å to another residue's",
            "A clash puts residues into a neighborhood that could not be there.",
            check,
        ),
    ]
    return [found for mask, *said in rows for found in Finding.at(mask, labels, "warning", *said)]


def _length(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a - b, axis=-1)


def _clashing(positions: np.ndarray) -> np.ndarray:
    """Mark residues with an N, CA or C within 2.2 Å of one of a residue that is not beside it."""
    atoms = positions[:, :3].reshape(-1, 3)
    residue = np.repeat(np.arange(len(positions)), 3)
    known = np.isfinite(atoms).all(1) & ~flat_frames(positions[:, :3])[residue]
    residue = residue[known]
    clashing = np.zeros(len(positions), bool)
    if known.any():
        # At most nine are of the residue itself and those beside it: of ten one is of another. All
        # pairs would be millions where a chain has collapsed.
        tree = cKDTree(atoms[known])
        length, near = tree.query(atoms[known], k=10, distance_upper_bound=2.2)
        other = np.append(residue, -9)[near]
        foreign = np.isfinite(length) & (np.abs(other - residue[:, None]) > 1)
        clashing[residue[foreign.any(1)]] = True
    return clashing
