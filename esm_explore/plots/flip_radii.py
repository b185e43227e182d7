"""Pictures of how stable codes are: along the chain, against noise, and in 3D."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.escaping import all_for_plotly
from esm_explore.experiments.flipped import LARGEST, FlipRadius
from esm_explore.experiments.flipping import LEVELS
from esm_explore.plots.picture import (
    BLUE,
    GRAY,
    ORANGE,
    Picture,
    check_found,
    draw,
    hover_of,
    residue_ticks,
)
from esm_explore.plots.structure import StructurePicture
from esm_explore.plots.structure_views import view
from esm_explore.tracing.traces import Trace


def stability(trace: Trace, radii: FlipRadius) -> Picture:
    """Show how many codes survive noise, each residue's flip radius, and how far codes go.

    Parameters
    ----------
    trace : Trace
    radii : FlipRadius
        What `flip_radius` says of it.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or these are no radii of it.
    """
    check_found(trace, radii, FlipRadius, "radii", "flip_radius", "stability")
    figure = make_subplots(rows=3, cols=1, vertical_spacing=0.13)
    names, radius = all_for_plotly(hover_of(trace)), _capped(radii)
    sizes = np.geomspace(LEVELS[0], LARGEST, 80)
    survived = 100 * radii.survival(sizes)
    curve = go.Scatter(x=sizes, y=survived, mode="lines", line={"color": BLUE})
    figure.add_trace(curve, 1, 1)
    x = np.arange(len(trace))
    line = {"color": GRAY, "width": 1}
    along = go.Scatter(x=x, y=radius, hovertext=names, mode="lines+markers", line=line)
    figure.add_trace(along, 2, 1)
    dots = go.Scatter(
        x=radius,
        y=radii.code_distance,
        hovertext=names,
        mode="markers",
        marker={"color": ORANGE, "size": 6, "opacity": 0.75},
    )
    figure.add_trace(dots, 3, 1)
    shown = draw(
        figure,
        "How much noise it takes to change a code",
        trace,
        np.stack([radius, radii.code_distance]),
        showlegend=False,
        height=720,
    )
    for row in (1, 3):
        shown.update_xaxes(type="log", tickvals=[0.01, 0.03, 0.1, 0.3, 1, 3], row=row)
    shown.update_xaxes(title="noise, Å", row=1)
    shown.update_yaxes(title="codes kept, %", rangemode="tozero", row=1)
    shown.update_xaxes(title="residue number", **residue_ticks(trace.labels), row=2)
    shown.update_yaxes(title="flip radius, Å", rangemode="tozero", row=2)
    shown.update_xaxes(title="flip radius, Å", row=3)
    shown.update_yaxes(title="new code is off by", rangemode="tozero", row=3)
    return shown


def view_flip_radii(trace: Trace, radii: FlipRadius) -> StructurePicture:
    """Show a chain in 3D, colored by how much noise it takes to change each residue's code.

    Parameters
    ----------
    trace : Trace
    radii : FlipRadius
        What `flip_radius` says of it.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is no trace, or these are no radii of it.
    """
    check_found(trace, radii, FlipRadius, "radii", "flip_radius", "view_flip_radii")
    return view(trace, _capped(radii), label="flip radius, Å")


def _capped(radii: FlipRadius) -> np.ndarray:
    """Give the largest noise tried where none changed the code."""
    return np.minimum(radii.radius, LARGEST)
