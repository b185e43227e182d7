"""Runs of residues that are alike to the encoder, superposed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import py3Dmol

from esm_explore.arguments import check_kind
from esm_explore.atlas.found_runs import FoundRuns
from esm_explore.palette import CATEGORIES
from esm_explore.plots.still import ChainStill
from esm_explore.plots.structure import StructurePicture, new_viewer, point

_QUERY, _RUN = CATEGORIES[1], CATEGORIES[0]
MOST = 30


def view_runs(found: FoundRuns) -> StructurePicture:
    """Show where else a piece of a chain occurs: CA lines, superposed on the query's backbone.

    At most 30 are drawn, the nearest; the caption says of how many.

    Parameters
    ----------
    found : FoundRuns
        From ``atlas.find_run``.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is not what `find_run` gives.
    """
    check_kind(found, FoundRuns, "found", "a FoundRuns, from atlas.find_run(trace, first, last)")
    viewer, shown = new_viewer(), found.backbones[:MOST]
    ghost = [_draw(viewer, run[:, 1], _RUN, 0.1) for run in shown]
    ghost.append(_draw(viewer, found.query[:, 1], _QUERY, 0.25))
    viewer.zoomTo()
    spread = ""
    if len(found):
        rmsd = found.runs["rmsd"][:MOST]
        spread = f", {rmsd.min():.2f} to {rmsd.max():.2f} Å from it"
    lines = [
        f"{found.name}: the {len(shown)} nearest of {found.searched:,} runs{spread}",
        f"Encoder: {found.encoder_info.title}",
    ]
    legend = [(_QUERY, "the query"), (_RUN, "runs that are alike to the encoder")]
    return StructurePicture(viewer, ChainStill(np.zeros((0, 3)), [], ghost=ghost), lines, legend)


def _draw(viewer: py3Dmol.view, ca: np.ndarray, color: str, radius: float) -> dict:
    """Add a line; give it for a picture without a browser."""
    for start, end in pairwise(ca):
        ends = {"start": point(start), "end": point(end)}
        viewer.addCylinder({**ends, "radius": radius, "color": color, "fromCap": 1, "toCap": 1})
    return {"points": ca, "color": color, "radius": radius / 2}
