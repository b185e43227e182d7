"""A star in 3D: a residue, and lines to others in colors that say something of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from esm_explore.palette import Colors
from esm_explore.plots.structure import StructurePicture, point
from esm_explore.plots.structure_views import cartoon_viewer, still_of
from esm_explore.tracing.traces import Trace

# Å, half the thickness of a line of weight 1.
_RADIUS = 0.3
_PALE = "#dddddd"
_BALL, _DARK = 0.8, "#222222"
# Up and to the left of its residue, where no other label is.
_OF_CENTER = {
    **{"fontSize": 15, "fontColor": "black", "backgroundColor": "white"},
    **{"borderColor": _DARK, "borderThickness": 1.5, "backgroundOpacity": 0.9},
    "alignment": "bottomRight",
}


@dataclass(frozen=True)
class Star:
    """Lines from a residue.

    Attributes
    ----------
    center : int
        Index of the residue.
    ends : sequence of int
        Indices of those it is joined to; a place that is not known has no line.
    hexes : sequence of str
        ``#rrggbb`` of each line.
    weights : ndarray, shape=(n,), dtype=float
        Thickness, 0 to 1.
    """

    center: int
    ends: Sequence[int]
    hexes: Sequence[str]
    weights: np.ndarray


def draw_stars(
    trace: Trace, stars: list[Star], lines: list[str], colors: Colors
) -> StructurePicture:
    """Draw stars into their chain, which is pale; their residues are balls.

    Parameters
    ----------
    trace : Trace
    stars : list of Star
    lines : list of str
        The caption.
    colors : Colors
        What the colors of their lines mean.

    Returns
    -------
    StructurePicture
    """
    viewer = cartoon_viewer(trace, {"cartoon": {"color": _PALE, "opacity": 0.5}})
    ca = trace.chain.atom37_positions[:, 1].astype(float)
    ghost, drawn = [], [star.center for star in stars]
    for star in stars:
        start = ca[star.center]
        for end, color, weight in zip(star.ends, star.hexes, star.weights.tolist(), strict=True):
            if not np.isfinite(ca[end]).all():
                continue
            radius = _RADIUS * weight
            ends = {"start": point(start), "end": point(ca[end])}
            viewer.addCylinder({**ends, "radius": radius, "color": color})
            ghost.append({"points": [start, ca[end]], "color": color, "radius": radius})
            drawn.append(end)
    drawn = list(dict.fromkeys(drawn))
    centers = [star.center for star in stars]
    for node in drawn:
        label = {"position": point(ca[node]), "fontSize": 11, "backgroundOpacity": 0.55}
        if node in centers:
            viewer.addSphere({"center": point(ca[node]), "radius": _BALL, "color": _DARK})
            label |= _OF_CENTER
        viewer.addLabel(trace.labels[node], label)
    viewer.zoomTo({"resi": [int(node) + 1 for node in drawn]})
    marks = {"selected": stars[0].center, "focus": drawn, "named": drawn, "ghost": ghost}
    still = still_of(trace, [_PALE] * len(trace), **marks)
    return StructurePicture(viewer, still, lines, colors.legend, colors.bar)
