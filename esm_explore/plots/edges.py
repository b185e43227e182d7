"""Pictures of the first stage: who is a neighbor of whom."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from esm_explore.analysis.heads import LOCAL
from esm_explore.escaping import all_for_plotly
from esm_explore.plots.panels import Line, panels_along_chain
from esm_explore.plots.picture import BLUE, GRAY, ORANGE, Picture, draw, hover_of, residue_ticks
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace


def edge_distances(trace: Trace) -> np.ndarray:
    """Compute CA distances of all edges.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    ndarray, shape=(L, K), dtype=float32
        Å; NaN where either residue has no backbone frame.
    """
    ca = np.where(trace.has_frame[:, None], trace.coords[:, 1], np.nan)
    return np.linalg.norm(ca[trace.edges] - ca[:, None], axis=-1)


def edge_matrix(trace: Trace) -> Picture:
    """Show who is in whose neighborhood: rows are queries, columns their neighbors.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Picture
    """
    check_trace(trace, "edge_matrix")
    rows = np.repeat(np.arange(len(trace)), trace.edges.shape[1])
    distance = edge_distances(trace)
    names = all_for_plotly(hover_of(trace))
    hover = [
        f"query {names[i]}<br>sees {names[j]}<br>{d:.1f} Å"
        for i, j, d in zip(rows, trace.edges.ravel(), distance.ravel(), strict=True)
    ]
    marks = go.Scatter(
        x=trace.edges.ravel(),
        y=rows,
        mode="markers",
        hovertext=hover,
        hoverinfo="text",
        marker={
            "size": 3,
            "symbol": "square",
            "color": distance.ravel(),
            "colorscale": "Viridis",
            "colorbar": {"title": "CA distance, Å"},
        },
    )
    figure = draw([marks], "Who sees whom", trace, distance, width=640, height=620)
    ticks = residue_ticks(trace.labels)
    figure.update_xaxes(title="neighbor (residue number)", constrain="domain", **ticks)
    figure.update_yaxes(title="query (residue number)", autorange="reversed", **ticks)
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    return figure


def separation(trace: Trace) -> Picture:
    """Show how far neighbors are along the chain and in space: a histogram over both.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Picture
    """
    check_trace(trace, "separation")
    away = np.abs(trace.edges - np.arange(len(trace))[:, None])[:, 1:]
    distance = edge_distances(trace)[:, 1:]
    known = np.isfinite(distance)
    edges = [1, 2, 3, 4, 5, 9, 17, 33, 65, 129, max(257, len(trace) + 1)]
    names = [f"{low}" if high == low + 1 else f"{low}–{high - 1}" for low, high in pairwise(edges)]
    far = np.ceil(distance[known].max(initial=3.5)) + 0.5
    counts, _, ends = np.histogram2d(
        away[known], distance[known], [edges, np.arange(2.5, far, 0.5)]
    )
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    heat = go.Heatmap(
        x=names,
        y=ends[:-1] + 0.25,
        z=np.where(counts > 0, share, np.nan).T,
        customdata=counts.T,
        # Next to each other all are alike; the other columns would be hard to tell apart.
        zmin=0,
        zmax=40,
        colorscale="Viridis",
        colorbar={"title": {"text": "% of a column's edges (40: or more)", "side": "right"}},
        hovertemplate="%{x} apart, %{y} Å: %{customdata} edges, %{z:.0f} %<extra></extra>",
    )
    figure = draw([heat], "Near in the chain, near in space", trace, distance)
    figure.update_xaxes(title="residues apart in the chain", type="category", showgrid=False)
    figure.update_yaxes(title="CA distance, Å", showgrid=False)
    return figure


def along_chain(trace: Trace) -> Picture:
    """Show along the chain how large and how local neighborhoods are, and who is in many.

    Three panels: the distance to the farthest neighbor, how many of the neighbors are up to 4
    away along the chain, and how many neighborhoods of others each residue is in.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Picture
    """
    check_trace(trace, "along_chain")
    # A short chain has frameless residues among its edges; they have no distance.
    distance = np.nan_to_num(edge_distances(trace))
    radius = np.where(trace.has_frame, distance.max(1), np.nan)
    away = np.abs(trace.edges - np.arange(len(trace))[:, None])
    local = np.where(trace.has_frame, ((away > 0) & (away <= LOCAL)).sum(1), np.nan)
    seen_by = np.bincount(trace.edges[:, 1:].ravel(), minlength=len(trace)).astype(float)
    panels = {
        "radius, Å": [Line(radius, BLUE)],
        f"neighbors up to<br>{LOCAL} along the chain": [Line(local, ORANGE)],
        "others whose<br>neighbor it is": [Line(seen_by, GRAY)],
    }
    return panels_along_chain(
        panels,
        "Neighborhoods along the chain",
        trace,
        np.stack([radius, local, seen_by]),
        said=hover_of(trace),
        showlegend=False,
        height=620,
    )
