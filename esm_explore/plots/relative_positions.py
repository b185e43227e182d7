"""Pictures of the second stage: what the relative position embedding says."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from esm_explore.encoders.modules import QUERY_BIN
from esm_explore.plots.picture import BLUE, Picture, draw
from esm_explore.tracing.given import check_trace, traces_of
from esm_explore.tracing.traces import Trace


def bin_similarity(trace: Trace) -> Picture:
    """Show how alike the rows of the relative position embedding are (cosine).

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Picture
    """
    check_trace(trace, "bin_similarity")
    rows = trace.relative_position.table[1:]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    similarity = unit @ unit.T
    position = np.arange(1, len(rows) + 1) - QUERY_BIN
    heat = go.Heatmap(x=position, y=position, z=similarity, zmin=-1, zmax=1, colorscale="RdBu_r")
    heat.colorbar.title = "cosine"
    figure = draw(
        [heat],
        "How alike relative positions are (cosine)",
        trace,
        similarity,
        source=f"encoder: {trace.encoder_info.title}",
        width=620,
        height=600,
    )
    figure.update_xaxes(title="relative position", constrain="domain")
    figure.update_yaxes(title="relative position", scaleanchor="x", constrain="domain")
    return figure


def bin_path(trace: Trace) -> Picture:
    """Show the rows of the relative position embedding in their first two principal components.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Picture
    """
    check_trace(trace, "bin_path")
    rows = trace.relative_position.table[1:]
    centered = rows - rows.mean(0)
    left, size, _ = np.linalg.svd(centered, full_matrices=False)
    place = left[:, :2] * size[:2]
    # A component has no direction of its own; a fixed one keeps the picture the same.
    place = place * np.sign(place[np.abs(place).argmax(0), [0, 1]])
    share = size[:2] ** 2 / (size**2).sum()
    position = np.arange(1, len(rows) + 1) - QUERY_BIN
    path = go.Scatter(
        x=place[:, 0],
        y=place[:, 1],
        mode="lines+markers",
        hovertext=[f"relative position {p:+d}" for p in position],
        hoverinfo="text",
        line={"color": "#bbbbbb", "width": 1},
        marker={
            "color": position,
            "colorscale": "RdBu_r",
            "size": 9,
            "colorbar": {"title": "relative position"},
            "line": {"color": "#555555", "width": 0.5},
        },
    )
    figure = draw(
        [path],
        "The path of relative positions: PCA of their embeddings",
        trace,
        share,
        source=f"encoder: {trace.encoder_info.title}",
        width=680,
    )
    figure.update_xaxes(title=f"principal component 1 ({share[0]:.0%} of the variance)")
    figure.update_yaxes(title=f"principal component 2 ({share[1]:.0%})")
    return figure


def bin_usage(traces: Trace | list[Trace]) -> Picture:
    """Show which relative positions the neighbors of one chain or of some have.

    Parameters
    ----------
    traces : Trace or list[Trace]

    Returns
    -------
    Picture
    """
    traces = traces_of(traces, "A picture")
    bins = np.concatenate([trace.relative_position.bins[:, 1:].ravel() for trace in traces])
    counts = np.bincount(bins, minlength=66)[1:]
    position = np.arange(1, 66) - QUERY_BIN
    bars = go.Bar(x=position, y=100 * counts / counts.sum(), marker={"color": BLUE})
    figure = draw([bars], "Which relative positions neighbors have", traces, counts / counts.sum())
    figure.update_xaxes(title="relative position (-32 and 32: all that are 32 or more away)")
    figure.update_yaxes(title="% of neighbors")
    return figure
