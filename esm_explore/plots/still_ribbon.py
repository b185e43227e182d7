"""A chain's backbone as a ribbon: where its middle runs, how wide it is, and to which side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

_JOINED = 4.6  # Å between the CA of neighbors, at most: two are 3.8 apart
_HALF_WIDTH = {"h": 1.3, "s": 1.05}  # Å; a coil has none, and is a tube
_ARROW = 1.9  # Å, where a strand's arrow is widest
_MANY = 900  # residues from which on a picture has no room for fine steps


@dataclass(frozen=True)
class Ribbon:
    """Pieces of a ribbon, in the order of the chain.

    Attributes
    ----------
    middle : ndarray, shape=(N, 2, 3), dtype=float
        Where each piece begins and ends, in Å.
    side : ndarray, shape=(N, 2, 3), dtype=float
        From there to the ribbon's edge; zero where it is a tube.
    residue : ndarray, shape=(N,), dtype=int
        Whose piece it is.
    """

    middle: np.ndarray
    side: np.ndarray
    residue: np.ndarray


def smooth_trace(ca: np.ndarray, secondary: str) -> np.ndarray:
    """Give each residue's place on the ribbon: strands are drawn flat, not pleated.

    Parameters
    ----------
    ca : ndarray, shape=(L, 3), dtype=float
        NaN where there is none.
    secondary : str
        One letter a residue: h, s, c, or a space.

    Returns
    -------
    ndarray, shape=(L, 3), dtype=float
    """
    flat = ca.copy()
    for part in _fragments(ca):
        inner = part[1:-1]
        strand = inner[[secondary[i] == "s" for i in inner]]
        flat[strand] = (ca[strand - 1] + 2 * ca[strand] + ca[strand + 1]) / 4
    return flat


def ribbon_of(ca: np.ndarray, secondary: str) -> Ribbon:
    """Lay a ribbon through the CA atoms of a chain; gaps are not joined.

    Parameters
    ----------
    ca : ndarray, shape=(L, 3), dtype=float
        NaN where there is none.
    secondary : str
        One letter a residue: h, s, c, or a space.

    Returns
    -------
    Ribbon
    """
    places, steps = smooth_trace(ca, secondary), 4 if len(ca) > _MANY else 8
    parts = [
        _fragment(ca, places, secondary, part, steps) for part in _fragments(ca) if len(part) > 1
    ]
    if not parts:
        return Ribbon(np.zeros((0, 2, 3)), np.zeros((0, 2, 3)), np.zeros(0, int))
    middle, side, residue = map(np.concatenate, zip(*parts, strict=True))
    return Ribbon(middle, side, residue)


def _fragments(ca: np.ndarray) -> list[np.ndarray]:
    present = np.flatnonzero(np.isfinite(ca).all(1))
    far = np.linalg.norm(np.diff(ca[present], axis=0), axis=1) > _JOINED
    return np.split(present, np.flatnonzero((np.diff(present) > 1) | far) + 1)


def _fragment(
    ca: np.ndarray, places: np.ndarray, secondary: str, part: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    share = np.linspace(0, 1, steps + 1)
    at = np.arange(len(part) - 1)[:, None] + share  # of each segment, from residue to residue
    curve = CubicSpline(np.arange(len(part)), places[part], bc_type="natural")
    middle, along = curve(at), curve(at, 1)
    side = _sides(ca[part], [secondary[i] for i in part])
    across = (1 - share)[:, None] * side[:-1, None] + share[:, None] * side[1:, None]
    across = across - _dot(across, along) / np.maximum(_dot(along, along), 1e-9) * along
    across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    across = across * _half_widths([secondary[i] for i in part], share)[..., None]
    # The first half of a segment has the color of the residue that it leaves.
    halves = np.where(np.arange(steps) < steps / 2, part[:-1, None], part[1:, None])
    pieces = [np.stack([a[:, :-1], a[:, 1:]], 2).reshape(-1, 2, 3) for a in (middle, across)]
    return *pieces, halves.ravel()


def _sides(ca: np.ndarray, secondary: list[str]) -> np.ndarray:
    """Give the direction across at each residue: along a helix' axis, in a sheet's plane."""
    step = np.diff(ca, axis=0)
    side = np.cross(step[:-1], step[1:]) if len(ca) > 2 else np.array([[0.3, 0.5, 0.8]])
    side = side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    side = np.concatenate([side[:1], side, side[-1:]])[: len(ca)]
    for i in range(1, len(side)):
        if side[i] @ side[i - 1] < 0:
            side[i] = -side[i]
    mean = side.copy()
    mean[1:-1] = (side[:-2] + 2 * side[1:-1] + side[2:]) / 4
    return np.where((np.array(secondary) == "s")[:, None], mean, side)


def _half_widths(secondary: list[str], share: np.ndarray) -> np.ndarray:
    """Give half the width along each segment, shape=(segments, len(share))."""
    half = np.array([_HALF_WIDTH.get(letter, 0.0) for letter in secondary])
    strand = np.array([letter == "s" for letter in secondary])
    tip = strand & ~np.append(strand[1:], False) & np.append(False, strand[:-1])
    half[tip] = 0
    eased = share**2 * (3 - 2 * share)
    widths = half[:-1, None] + (half[1:] - half[:-1])[:, None] * eased
    widths[tip[1:]] = _ARROW * (1 - share)
    return widths


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1, keepdims=True)
