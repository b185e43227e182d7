"""A chain in 3D as it is seen, as plain data: what has to outlive the kernel is drawn from it.

Drawing needs matplotlib, which takes a second to load; live views need it only after they are seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

AXES = ("#d62728", "#2ca02c", "#1f77b4")
LINE = "#e69f00"
ACROSS = "#cc79a7"  # lines from one chain to another


def frame_axes(atoms: np.ndarray) -> np.ndarray:
    """Give the axes of a backbone frame, as esm's ``Affine3D.from_graham_schmidt`` has them.

    Parameters
    ----------
    atoms : ndarray, shape=(3, 3), dtype=float
        N, CA and C in Å.

    Returns
    -------
    ndarray, shape=(3, 3), dtype=float
        Rows are x, y and z, of length 1.
    """
    n, ca, c = np.asarray(atoms, dtype=float)
    x = (ca - c) / np.linalg.norm(ca - c)
    y = n - ca - ((n - ca) @ x) * x
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)])


def frame_lines(atoms: np.ndarray, length: float = 1.5) -> list[dict]:
    """Draw a backbone frame for `ChainStill.ghost`, as long as this in Å."""
    ca = np.asarray(atoms, dtype=float)[1]
    ends = ca + length * frame_axes(atoms)
    return [
        {"points": [ca, end], "color": color, "radius": 0.1}
        for end, color in zip(ends, AXES, strict=True)
    ]


@dataclass(frozen=True)
class ChainStill:
    """A chain in 3D as it is seen.

    Attributes
    ----------
    ca : ndarray, shape=(L, 3), dtype=float
        In Å, NaN where there is none.
    hexes : list of str
        ``#rrggbb`` of each residue.
    secondary : str
        One letter a residue: h, s, c, or a space; "" draws a tube.
    labels : sequence of str
        What each residue is called.
    camera : sequence of float
        As ``getView()`` of 3Dmol.js; empty looks at `focus`, or at all, where it is widest.
    selected : int
        The residue with a ring and its label; -1 for none.
    selection : sequence of int
        Residues with a dot.
    lines : sequence of (int, int, float) or (int, int, float, str)
        Pairs of residues to join, with a weight from 0 to 1 for the thickness, and their color,
        ``#rrggbb``, if it is not `LINE`.
    focus : sequence of int
        Residues that a picture without a camera frames.
    named : sequence of int
        Residues whose label is written too.
    ghost : sequence of dict
        Polylines {"points": [[x, y, z], ...], "color": "#rrggbb"}, thin tubes with balls at
        their points; "radius" of the tube in Å.
    caption : str
        Stands under the picture.
    """

    ca: np.ndarray
    hexes: Sequence[str]
    secondary: str = ""
    labels: Sequence[str] = ()
    camera: Sequence[float] = ()
    selected: int = -1
    selection: Sequence[int] = ()
    lines: Sequence[Sequence[int | float | str]] = ()
    focus: Sequence[int] = ()
    named: Sequence[int] = ()
    ghost: Sequence[dict] = field(default=())
    caption: str = ""
