"""Neighbourhoods with one token, on top of each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import py3Dmol

from esm_explore.experiments import SameToken
from esm_explore.palette import CATEGORIES
from esm_explore.show.structure import StructurePicture, point

LOCAL = 4
MOST = 30


def view_same_token(alike: SameToken) -> StructurePicture:
    """Show neighbourhoods with the same token, superposed by the backbone frame of their query.

    Neighbours up to 4 along the chain are joined to a line; the others are balls. At most 30
    neighbourhoods are drawn, evenly chosen; the caption says of how many.

    Parameters
    ----------
    alike : SameToken

    Returns
    -------
    StructurePicture
    """
    shown = np.unique(np.linspace(0, len(alike) - 1, min(MOST, len(alike))).round().astype(int))
    viewer = py3Dmol.view(width=640, height=420)
    viewer.addSphere({"center": {"x": 0, "y": 0, "z": 0}, "radius": 0.5, "color": "black"})
    for row in shown:
        _draw(viewer, alike.ca[row], alike.relative_positions[row])
    viewer.zoomTo()
    lines = [
        f"Token {alike.token}: {len(shown)} of {len(alike)} neighbourhoods, superposed",
        f"Encoder: {alike.encoder}",
    ]
    along, across = CATEGORIES[0], CATEGORIES[1]
    legend = [("#000000", "the residue"), (along, "up to 4 along the chain"), (across, "others")]
    return StructurePicture(viewer, lines, legend)


def _draw(viewer: py3Dmol.view, ca: np.ndarray, relative: np.ndarray) -> None:
    known = np.isfinite(ca).all(1)
    near = known & (np.abs(relative) <= LOCAL)
    order = np.flatnonzero(near)[np.argsort(relative[near])]
    for a, b in pairwise(order):
        if relative[b] - relative[a] == 1:
            ends = {"start": point(ca[a]), "end": point(ca[b])}
            viewer.addCylinder({**ends, "radius": 0.12, "color": CATEGORIES[0]})
    for place in ca[known & ~near]:
        ball = {"center": point(place), "radius": 0.35, "color": CATEGORIES[1], "opacity": 0.7}
        viewer.addSphere(ball)
