"""Pictures of the first two stages: who is a neighbour, and what position says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from esm_explore.show.picture import Picture, hover_of, picture, source_of
from esm_explore.traces import Trace

_QUERY_BIN = 33


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
    """Show who is in whose neighbourhood: rows are queries, columns their neighbours."""
    rows = np.repeat(np.arange(len(trace)), trace.edges.shape[1])
    distance = edge_distances(trace)
    names = hover_of(trace)
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
    figure = picture([marks], "Who sees whom", source_of(trace), distance, width=640, height=620)
    figure.update_xaxes(title="neighbour (index in the chain)")
    figure.update_yaxes(title="query", autorange="reversed", scaleanchor="x")
    return figure


def separation(trace: Trace) -> Picture:
    """Show how far neighbours are along the chain and in space."""
    away = np.abs(trace.edges - np.arange(len(trace))[:, None])[:, 1:]
    distance = edge_distances(trace)[:, 1:]
    edges = [1, 2, 3, 4, 5, 9, 17, 33, 65, 129, max(257, len(trace) + 1)]
    names = [
        f"{low}" if high == low + 1 else f"{low} to {high - 1}" for low, high in pairwise(edges)
    ]
    boxes = [
        go.Box(
            y=distance[(away >= low) & (away < high)],
            name=name,
            boxpoints=False,
            marker={"color": "#3b6fb6"},
            showlegend=False,
        )
        for low, high, name in zip(edges[:-1], edges[1:], names, strict=True)
    ]
    figure = picture(boxes, "Near in the chain, near in space", source_of(trace), distance)
    figure.update_xaxes(title="residues apart in the chain")
    figure.update_yaxes(title="CA distance, Å", rangemode="tozero")
    return figure


def in_degree(trace: Trace) -> Picture:
    """Show how many neighbourhoods each residue is in, and how far its own one reaches."""
    seen_by = np.bincount(trace.edges.ravel(), minlength=len(trace))
    reach = np.abs(trace.edges - np.arange(len(trace))[:, None]).max(1)
    x = np.arange(len(trace))
    names = hover_of(trace)
    lines = [
        go.Scatter(x=x, y=seen_by, name="is seen by", hovertext=names, line={"width": 1.5}),
        go.Scatter(
            x=x,
            y=reach,
            name="farthest neighbour along the chain",
            hovertext=names,
            yaxis="y2",
            line={"width": 1, "color": "#c9a227"},
        ),
    ]
    return picture(
        lines,
        "Who is seen by many, and who looks far along the chain",
        source_of(trace),
        seen_by,
        xaxis={"title": "residue (index in the chain)"},
        yaxis={"title": "neighbourhoods", "rangemode": "tozero"},
        yaxis2={"title": "residues apart", "overlaying": "y", "side": "right", "showgrid": False},
        legend={"orientation": "h", "y": 1.08, "x": 0.4},
    )


def bin_similarity(trace: Trace) -> Picture:
    """Show how alike the rows of the relative position embedding are (cosine)."""
    rows = trace.relative_position.table[1:]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    similarity = unit @ unit.T
    position = np.arange(1, len(rows) + 1) - _QUERY_BIN
    heat = go.Heatmap(x=position, y=position, z=similarity, zmin=-1, zmax=1, colorscale="RdBu_r")
    figure = picture(
        [heat],
        "How alike relative positions are (cosine)",
        f"encoder: {trace.encoder_info.title}",
        similarity,
        width=620,
        height=600,
    )
    figure.update_xaxes(title="relative position")
    figure.update_yaxes(title="relative position", scaleanchor="x")
    return figure


def bin_path(trace: Trace) -> Picture:
    """Show the rows of the relative position embedding in their first two principal components."""
    rows = trace.relative_position.table[1:]
    centered = rows - rows.mean(0)
    left, size, _ = np.linalg.svd(centered, full_matrices=False)
    place = left[:, :2] * size[:2]
    # A component has no direction of its own; a fixed one keeps the picture the same.
    place = place * np.sign(place[np.abs(place).argmax(0), [0, 1]])
    share = size[:2] ** 2 / (size**2).sum()
    position = np.arange(1, len(rows) + 1) - _QUERY_BIN
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
    figure = picture(
        [path],
        "The path of relative positions",
        f"encoder: {trace.encoder_info.title}",
        share,
        width=680,
    )
    figure.update_xaxes(title=f"component 1 ({share[0]:.0%} of the variance)")
    figure.update_yaxes(title=f"component 2 ({share[1]:.0%})")
    return figure


def bin_usage(traces: list[Trace]) -> Picture:
    """Show which relative positions the neighbours of some chains have."""
    bins = np.concatenate([trace.relative_position.bins[:, 1:].ravel() for trace in traces])
    counts = np.bincount(bins, minlength=66)[1:]
    position = np.arange(1, 66) - _QUERY_BIN
    bars = go.Bar(x=position, y=100 * counts / counts.sum(), marker={"color": "#3b6fb6"})
    residues = sum(len(trace) for trace in traces)
    figure = picture(
        [bars],
        "Which relative positions neighbours have",
        f"{len(traces)} chains, {residues:,} residues; no encoder needed",
        counts / counts.sum(),
    )
    figure.update_xaxes(title="relative position (-32 and 32 stand for all that is farther)")
    figure.update_yaxes(title="% of neighbours")
    return figure
