"""Is it a protein's backbone: units, order of atoms, handedness, bond lengths, clashes.

Each check is a pass or two over the atoms, so that reading and tracing can afford `alarms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Protocol

import numpy as np
from biotite.structure import dihedral, superimpose

from esm_explore.findings import Finding
from esm_explore.parsing.model import BONDED

# Å; Engh and Huber (1991). N-C is across the angle at CA, C-N the peptide bond.
N_CA, CA_C, N_C, C_N = 1.46, 1.52, 2.46, 1.33
_UNITS = {"nm": 0.1, "pm": 100.0, "Bohr": 1.8897}
_ATOMS = ("N", "CA", "C")
# float32 keeps 1e-4 Å at this distance from the origin, where a file has 1e-3.
FAR = 1_000.0
# Nodes of a neighborhood.
NODES = 16
# Median distances within 15 % of those of a backbone are one.
_MISFIT = 0.15
_STRAIGHT = 0.01


def alarms(positions: np.ndarray, labels: Sequence[str]) -> list[Finding]:
    """Find what makes all tokens of a chain suspect, in milliseconds.

    Parameters
    ----------
    positions : ndarray, shape=(L, 37, 3) or (L, 3, 3)
        Atoms in esm's order (N, CA, C, CB first), Å; not finite where missing.
    labels : sequence of str
        The residues' numbers and insertion codes.

    Returns
    -------
    list of Finding
    """
    positions = np.asarray(positions[:, :4], dtype=float)
    positions = np.where(np.isfinite(positions), positions, np.nan)
    backbone = positions[:, :3]
    whole = np.isfinite(backbone).all((1, 2))
    found = []
    if whole.any():
        layout = _layout(backbone)
        found = layout or _mirrored(positions)
        found += _flat(backbone, labels) + _far(backbone, labels)
    if len(positions) < NODES:
        found.append(
            Finding(
                "warning",
                f"fewer than {NODES} residues ({len(positions)})",
                (),
                "A neighborhood has 16 nodes; in a chain this short it is the whole chain, which "
                "is not what the encoder was trained on.",
                "Do not compare these tokens with those of longer chains.",
            )
        )
    return found


def flat_frames(backbone: np.ndarray) -> np.ndarray:
    """Mark residues whose N, CA and C coincide or lie on a line.

    Parameters
    ----------
    backbone : ndarray, shape=(L, 3, 3)
        N, CA and C in Å; not finite where missing.

    Returns
    -------
    ndarray, shape=(L,), dtype=bool
        False where an atom is missing. esm would build a rotation of determinant 0 from them.
    """
    backbone = np.where(np.isfinite(backbone), backbone, np.nan)
    first, second = backbone[:, 0] - backbone[:, 1], backbone[:, 2] - backbone[:, 1]
    lengths = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    area = np.linalg.norm(np.cross(first, second), axis=1)
    with np.errstate(invalid="ignore"):
        straight = area <= _STRAIGHT * lengths[0] * lengths[1]
        return straight | (np.minimum(*lengths) < _STRAIGHT)


def _layout(backbone: np.ndarray) -> list[Finding]:
    """Compare median distances with a backbone's, for each order that the atoms may be in."""
    spread = np.linalg.norm(backbone[:, :, None] - backbone[:, None], axis=-1)
    inside = np.median(spread[np.isfinite(spread).all((1, 2))], axis=0)
    step = np.linalg.norm(backbone[:-1, :, None] - backbone[1:, None], axis=-1)
    step = step[np.isfinite(step).all((1, 2))]
    onward = np.median(step, axis=0) if len(step) else None
    orders = list(permutations(range(3)))
    n, ca, c = np.transpose(orders)
    ratios = [inside[n, ca] / N_CA, inside[ca, c] / CA_C, inside[n, c] / N_C]
    if onward is not None:
        ratios.append(onward[c, n] / C_N)
    fits = dict(zip(orders, zip(*_fit(ratios), strict=True), strict=True))
    usual = (0, 1, 2)
    best = min(fits, key=lambda order: fits[order][1])
    scale, misfit = fits[usual] if fits[usual][1] <= _MISFIT else fits[best]
    if misfit > _MISFIT:
        # Chain breaks at most steps leave only what is inside residues.
        scale, misfit = _fit([inside[0, 1] / N_CA, inside[1, 2] / CA_C, inside[0, 2] / N_C])
        best = usual
    elif fits[usual][1] <= _MISFIT:
        best = usual
    lengths = ", ".join(
        f"{a}-{b} {inside[i, j]:.3g}" for a, b, i, j in (("N", "CA", 0, 1), ("CA", "C", 1, 2))
    )
    if misfit > _MISFIT:
        title = f"bond lengths are not those of a backbone (median {lengths} Å)"
        return [_alarm(title, "Check what made the file")]
    found = []
    if best != usual:
        held = ", ".join(_ATOMS[best.index(column)] for column in range(3))
        # Seen along the chain these two are the same.
        held += " (or residues from the C-terminus to the N-terminus)" * (best == (2, 1, 0))
        found.append(_alarm(f"atoms seem to be in the order {held}, not N, CA, C", "Order them"))
    if abs(np.log(scale)) > 0.1:
        unit = next((u for u, s in _UNITS.items() if abs(np.log(scale / s)) < 0.1), None)
        held = f"be in {unit}, not Å" if unit else f"be {scale:.3g} times as large as in Å"
        found.append(_alarm(f"coordinates seem to {held} (median {lengths})", "Convert them"))
    return found


def _fit(ratios: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Give the one scale that fits ratios best, and by how much the worst misses it."""
    logs = np.log(np.maximum(ratios, 1e-9))
    scale = np.median(logs, axis=0)
    return np.exp(scale), np.abs(logs - scale).max(axis=0)


def _alarm(title: str, remedy: str) -> Finding:
    return Finding(
        "error",
        title,
        (),
        "The encoder measures in Å, from frames of N, CA and C: with this nearly every token is "
        "another, and looks like any other.",
        f"{remedy}; N-CA is 1.46 Å, CA-C 1.52 Å, the peptide bond C-N 1.33 Å.",
    )


def right_handed_sides(positions: np.ndarray) -> np.ndarray:
    """Give the handedness at each CA: 1 for L-amino acids, -1 for D, 0 where CB is missing."""
    if positions.shape[1] < 4:
        return np.zeros(len(positions))
    n, ca, c, cb = (positions[:, i] for i in range(4))
    volume = np.einsum("ij,ij->i", np.cross(n - ca, c - ca), cb - ca)
    return np.sign(np.nan_to_num(volume))


def _mirrored(positions: np.ndarray) -> list[Finding]:
    sides = right_handed_sides(positions)
    known = np.count_nonzero(sides)
    if known >= 3:
        share, what = (sides < 0).sum() / known, "of CB atoms are on the side of D-amino acids"
        mirrored = share > 0.7
    else:
        n, ca, c = (positions[:, i] for i in range(3))
        phi = dihedral(c[:-1], n[1:], ca[1:], c[1:])
        with np.errstate(invalid="ignore"):
            phi = phi[np.isfinite(phi) & (np.linalg.norm(c[:-1] - n[1:], axis=1) < BONDED)]
        share = (phi > 0).mean() if len(phi) else 0
        what, mirrored = "of phi angles are positive", len(phi) >= 10 and share > 0.6
    if not mirrored:
        return []
    return [
        Finding(
            "error",
            f"the chain is a mirror image ({share:.0%} {what})",
            (),
            "Handedness is all in the frames: nearly every token of a mirror image is another.",
            "Mirror it back (change the sign of one axis), unless it is a D-peptide; the encoder "
            "has not seen those.",
        )
    ]


def _flat(backbone: np.ndarray, labels: Sequence[str]) -> list[Finding]:
    return Finding.at(
        flat_frames(backbone),
        labels,
        "warning",
        "N, CA and C coincide or lie on a line",
        "They give no backbone frame; esm would take a rotation of determinant 0. They are "
        "encoded as residues without a frame.",
        "Are these placeholders, such as zeros? Leave such residues out of statistics.",
    )


def _far(backbone: np.ndarray, labels: Sequence[str]) -> list[Finding]:
    farthest = np.nanmax(np.abs(backbone))
    if farthest <= FAR:
        return []
    return [
        Finding(
            "warning",
            f"coordinates as far as {farthest:,.0f} Å from the origin",
            (),
            "float32 rounds them more coarsely there, which turns over near-ties.",
            "Subtract the mean of the coordinates, in float64, before you make the chain.",
        )
    ]


class Motion(Protocol):
    """A rotation and a shift; the classes of biotite 1 and biotite 2 have other names."""

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Move points, shape=(n, 3)."""


def fit(fixed: np.ndarray, mobile: np.ndarray) -> Motion:
    """Find how points, shape=(n, 3), are moved onto others, as biotite does."""
    found = superimpose(fixed, mobile)
    # biotite 1 gives the moved points and the transformation, biotite 2 the latter alone.
    return found[1] if isinstance(found, tuple) else found


def superposed(fixed: np.ndarray, mobile: np.ndarray) -> np.ndarray:
    """Move points onto others."""
    return fit(fixed, mobile).apply(mobile)
