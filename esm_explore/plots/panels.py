"""Numbers along a chain: panels with a residue axis in common, a line or several in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.escaping import all_for_plotly
from esm_explore.plots.picture import Picture, draw, residue_ticks
from esm_explore.tracing.traces import Trace


class Line(NamedTuple):
    """Numbers of all residues, one each.

    Attributes
    ----------
    values : ndarray or Series, shape=(L,)
        NaN where there is none.
    color : str
    name : str
        For the legend, where there is one.
    """

    values: Any
    color: str
    name: str = ""


def panels_along_chain(
    panels: Mapping[str, Sequence[Line]],
    what: str,
    trace: Trace,
    numbers: np.ndarray,
    *,
    said: Sequence[str],
    signed: Sequence[str] = (),
    **kwargs: Any,
) -> Picture:
    """Draw panels below each other.

    Parameters
    ----------
    panels : mapping of sequence of Line
        By the titles of their axes, from the top. Axes begin at zero.
    what, trace, numbers
        As in `draw`.
    said : sequence of str
        What each residue says where one hovers over it.
    signed : sequence of str
        Titles of the axes that have numbers below zero, too, and begin where these do.
    **kwargs
        For `draw`.

    Returns
    -------
    Picture
    """
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.05)
    x, hover = np.arange(len(trace)), all_for_plotly(said)
    for row, (title, lines) in enumerate(panels.items(), start=1):
        for values, color, name in lines:
            line = {"color": color, "width": 1.5}
            curve = {"x": x, "y": values, "name": name, "hovertext": hover, "line": line}
            figure.add_trace(go.Scatter(**curve), row, 1)
        mode = "normal" if title in signed else "tozero"
        figure.update_yaxes(title=title, rangemode=mode, row=row)
    shown = draw(figure, what, trace, numbers, **kwargs)
    shown.update_xaxes(**residue_ticks(trace.labels))
    shown.update_xaxes(title="residue number", row=len(panels))
    return shown
