"""Pictures of geometric attention: heads, one residue's attention, the residual stream."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import get_colorscale
from plotly.subplots import make_subplots

from esm_explore.analysis.heads import LOCAL
from esm_explore.arguments import check_is_one_of, check_kind, whole_number
from esm_explore.errors import TraceError
from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.plots.picture import (
    BLUE,
    GRAY,
    ORANGE,
    WHISKERS,
    Picture,
    check_table,
    draw,
)
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.traces import Trace

COLORS = (BLUE, ORANGE)


def head_map(trace: Trace, statistics: pd.DataFrame, x: str, y: str) -> Picture:
    """Show heads by two of their properties, one color a block.

    Parameters
    ----------
    trace : Trace
    statistics : DataFrame
        Of the trace's heads: from `head_statistics` or `head_weights`.
    x, y : str
        Columns of `statistics`.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or there is no such column of numbers.
    """
    check_trace(trace, "head_map")
    check_table(statistics, "statistics", ("block", "head"), "head_statistics")
    allowed = [name for name in statistics if name not in ("block", "head")]
    for name in (x, y):
        if not isinstance(name, str) or name not in allowed:
            raise TraceError(f"Heads have no {name!r}; they have: {', '.join(allowed)}.")
    dots = [
        go.Scatter(
            x=rows[x],
            y=rows[y],
            mode="markers",
            name=for_plotly(f"block {block}"),
            hovertext=all_for_plotly(f"block {block}, head {head}" for head in rows["head"]),
            marker={"color": COLORS[block % 2], "size": 8, "opacity": 0.75},
        )
        for block, rows in statistics.groupby("block")
    ]
    units = {
        "entropy": "entropy, bits",
        "reach": "mean distance attended to, Å",
        "self": "share on itself",
        "sequence": f"share on others up to {LOCAL} along the chain",
        "space": "share on the rest",
    }
    figure = draw(dots, f"Heads by {x} and {y}".replace("_", " "), trace, statistics[[x, y]])
    figure.update_xaxes(title=for_plotly(units.get(x, x.replace("_", " "))))
    figure.update_yaxes(title=for_plotly(units.get(y, y.replace("_", " "))))
    return figure


def check_head(opened: Neighborhood, block: int, head: int | None = None) -> None:
    """Raise a TraceError if a neighborhood has no such block or head; None is all heads."""
    check_kind(opened, Neighborhood, "opened", "a Neighborhood, from trace.neighborhood(residue)")
    blocks, heads = opened.attention.shape[:2]
    whole_number(block, "block", 0, blocks - 1)
    whole_number(0 if head is None else head, "head", 0, heads - 1)


def attention_matrix(
    trace: Trace,
    opened: Neighborhood,
    block: int,
    head: int | None = None,
    term: str = "attention",
) -> Picture:
    """Show who attends to whom among a residue's nodes: in one head, or on average.

    Parameters
    ----------
    trace : Trace
    opened : Neighborhood
        One of the trace's.
    block : int
    head : int, optional
        By default the average of all heads.
    term : {"attention", "distance", "rotation"}
        The weights, or one of the two terms of the logits that they are made of.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or there is no such block, head or term.
    """
    check_trace(trace, "attention_matrix")
    heat, what = attention_heat(opened, block, head, term)
    figure = draw(
        [heat],
        f"{what}, around residue {opened.label}",
        trace,
        heat["z"],
        width=620,
        height=600,
    )
    figure.update_xaxes(title="node that is attended to (residue)", type="category")
    figure.update_yaxes(title="node that attends (residue)", type="category", autorange="reversed")
    return figure


def attention_heat(
    opened: Neighborhood, block: int, head: int | None, term: str
) -> tuple[dict, str]:
    """Make the heat map of `attention_matrix`, as plotly has it, and say what it is.

    A figure around it takes ten times as long, which a reader who clicks would notice.
    """
    check_head(opened, block, head)
    terms = {
        "attention": (opened.attention, "Viridis", "Attention"),
        "distance": (-opened.distance_term, "Viridis", "Distance term"),
        "rotation": (opened.rotation_term, "RdBu_r", "Rotation term"),
    }
    check_is_one_of("term", term, terms)
    values, colorscale, name = terms[term]
    shown = values[block].mean(0) if head is None else values[block, head]
    which = f"the average of {values.shape[1]} heads" if head is None else f"head {head}"
    # Viridis for what has a best end, blue and red for what has a sign.
    ends = {"attention": (0, shown.max()), "distance": (shown.min(), 0)}
    limit = float(np.abs(shown).max())
    low, high = ends.get(term, (-limit, limit))
    labels = all_for_plotly(opened.labels)
    heat = {
        "type": "heatmap",
        **{"x": labels, "y": labels, "z": shown, "zmin": low, "zmax": high},
        "colorscale": get_colorscale(colorscale),
        "colorbar": {"title": {"text": term}},
        "hovertemplate": "%{y} attends to %{x}: %{z:.3f}<extra></extra>",
    }
    return heat, f"{name} in block {block}, {which}"


def logit_terms(trace: Trace, opened: Neighborhood, block: int) -> Picture:
    """Show the two terms of the query's logits, over heads and nodes; of one of the blocks.

    Parameters
    ----------
    trace : Trace
    opened : Neighborhood
    block : int

    Returns
    -------
    Picture
    """
    check_trace(trace, "logit_terms")
    check_head(opened, block)
    distance = -opened.distance_term[block, :, 0]
    rotation = opened.rotation_term[block, :, 0]
    limit = float(max(np.abs(distance).max(), np.abs(rotation).max()))
    labels = all_for_plotly(opened.labels)
    titles = ("minus the distance term", "rotation term")
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles, shared_yaxes=True)
    for column, term in enumerate((distance, rotation), start=1):
        heat = go.Heatmap(
            x=labels,
            z=term,
            zmin=-limit,
            zmax=limit,
            colorscale="RdBu_r",
            showscale=column == 2,
            colorbar={"title": "logit"},
        )
        figure.add_trace(heat, row=1, col=column)
    shown = draw(
        figure,
        f"What the logits of residue {opened.label} are made of, block {block}",
        trace,
        np.stack([distance, rotation]),
        height=560,
    )
    shown.update_xaxes(type="category", title="node (residue)")
    shown.update_yaxes(title="head", col=1)
    return shown


def residual_stream(trace: Trace) -> Picture:
    """Show how much attention and feed-forward write into the query's state, block by block.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Picture
    """
    check_trace(trace, "residual_stream")
    keep = trace.has_frame
    parts = [("relative position", trace.relative_position.embeddings[keep, 0])]
    for i in range(len(trace.blocks)):
        parts.append((f"attention {i}", trace.attention_out[i][keep]))
        parts.append((f"feed-forward {i}", trace.ffn_out[i][keep]))
        parts.append((f"block {i} output", trace.blocks[i][keep]))
    norms = [np.linalg.norm(part, axis=1) for _, part in parts]
    colors = {"a": COLORS[0], "f": COLORS[1]}
    boxes = [
        go.Box(
            y=norm,
            name=name,
            boxpoints=False,
            showlegend=False,
            marker={"color": colors.get(name[0], GRAY)},
        )
        for (name, _), norm in zip(parts, norms, strict=True)
    ]
    figure = draw(boxes, "What is written into the query's state", trace, np.stack(norms))
    figure.update_xaxes(title=WHISKERS)
    figure.update_yaxes(title="length of the vector", rangemode="tozero")
    return figure
