"""The figure of one residue at each stage, and what a click in it means."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np

from esm_explore.analysis.heads import LOCAL
from esm_explore.encoders.codebook import nearest_codes
from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.palette import CATEGORIES, hex_colors, token_colors
from esm_explore.plots.attention import attention_heat
from esm_explore.plots.latents import latent_heat
from esm_explore.plots.picture import hover_of
from esm_explore.plots.still import ACROSS as OTHER_CHAIN
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import (
    Attention,
    Block,
    Codebook,
    Latent,
    Neighbors,
    Query,
    RelativePosition,
    Stage,
)
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.stage_sentences import cosine_to

ALONG, ACROSS = CATEGORIES[0], CATEGORIES[1]
TERMS = ("attention", "distance", "rotation")
N_CODES = 8


@dataclass(frozen=True)
class PanelFigure:
    """A figure, and what its points stand for.

    Attributes
    ----------
    data : list of dict
        Plotly traces.
    layout : dict
        Title and axes.
    residues : list of int
        For each point of the first trace (each column of a heat map) the residue's index; empty
        where points are no residues.
    codes : list of int
        The same for codes.
    of_heads : bool
        Whether it is another one for each attention head, and for each of `TERMS`.
    """

    data: list[dict]
    layout: dict
    residues: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    of_heads: bool = False


@singledispatch
def panel_figure(
    stage: Stage, trace: Trace, opened: Neighborhood, head: int | None, term: str
) -> PanelFigure:
    """Draw one residue at one stage.

    Parameters
    ----------
    stage : Stage
    trace : Trace
    opened : Neighborhood
    head : int or None
        Where a stage has heads; None is the average of all.
    term : str
        Where a stage has heads: one of `TERMS`.

    Returns
    -------
    PanelFigure
    """
    raise NotImplementedError(f"Nothing is drawn of {type(stage).__name__}.")


@panel_figure.register
def _(stage: Neighbors, trace: Trace, opened: Neighborhood, *_: object) -> PanelFigure:
    along = np.abs(opened.relative_positions) <= LOCAL
    foreign = trace.chain_ids[opened.edges] != trace.chain_ids[opened.edges[0]]
    bars = dict(
        type="bar",
        x=all_for_plotly(opened.labels),
        y=np.nan_to_num(opened.distances),
        marker={"color": np.where(foreign, OTHER_CHAIN, np.where(along, ALONG, ACROSS)).tolist()},
        hovertext=[f"{p:+d} along the chain" for p in opened.relative_positions],
        hovertemplate="residue %{x}: %{y:.1f} Å, %{hovertext}<extra></extra>",
    )
    layout = {
        "title": f"CA distance; blue: at most {LOCAL} along the chain, orange: farther"
        + (", pink: in another chain" if foreign.any() else ""),
        "xaxis": {"type": "category", "title": {"text": "node, nearest first"}},
        "yaxis": {"title": {"text": "Å"}},
    }
    return PanelFigure([bars], layout, opened.edges.tolist())


@panel_figure.register
def _(stage: RelativePosition, trace: Trace, opened: Neighborhood, *_: object) -> PanelFigure:
    limit = (trace.relative_position.table.shape[0] - 2) // 2
    clipped = np.abs(opened.relative_positions) >= limit
    dots = dict(
        type="scatter",
        x=opened.bins - limit - 1,
        y=np.arange(len(opened)),
        mode="markers+text",
        text=all_for_plotly(opened.labels),
        textposition=np.where(opened.bins > limit + 25, "middle left", "middle right").tolist(),
        hovertext=[
            f"residue {for_plotly(label)}: {p:+d}, row {b} of the table"
            for label, p, b in zip(
                opened.labels, opened.relative_positions, opened.bins, strict=True
            )
        ],
        hoverinfo="text",
        marker={
            "size": 10,
            "color": np.where(clipped, ACROSS, ALONG).tolist(),
            "symbol": np.where(clipped, "diamond", "circle").tolist(),
        },
    )
    layout = {
        "title": f"Relative position of each node; orange: clipped to ±{limit}",
        "xaxis": {"title": {"text": "relative position"}, "range": [-limit - 4, limit + 4]},
        "yaxis": {"title": {"text": "rank"}, "autorange": "reversed"},
    }
    return PanelFigure([dots], layout, opened.edges.tolist())


@panel_figure.register
def _(
    stage: Attention, trace: Trace, opened: Neighborhood, head: int | None, term: str
) -> PanelFigure:
    heat, title = attention_heat(opened, stage.block, head, term)
    layout = {
        "title": title,
        "xaxis": {"type": "category", "title": {"text": "to"}},
        "yaxis": {"type": "category", "title": {"text": "from"}, "autorange": "reversed"},
    }
    return PanelFigure([heat], layout, opened.edges.tolist(), of_heads=True)


@panel_figure.register
def _(stage: Block, trace: Trace, opened: Neighborhood, *_: object) -> PanelFigure:
    block, index = stage.block, int(opened.edges[0])
    before = trace.blocks[block - 1] if block else trace.relative_position.embeddings[:, 0]
    parts = {
        "state before": before,
        "attention adds": trace.attention_out[block],
        "feed-forward adds": trace.ffn_out[block],
        "state after": trace.blocks[block],
    }
    names = list(parts)
    lengths = np.stack([np.linalg.norm(part, axis=1) for part in parts.values()])
    own = dict(
        type="bar",
        x=names,
        y=lengths[:, index],
        name=for_plotly(f"residue {opened.label}"),
        marker={"color": ALONG},
        hovertemplate="%{x}: %{y:.1f}<extra></extra>",
    )
    low, middle, high = np.quantile(lengths[:, trace.has_frame], [0.1, 0.5, 0.9], axis=1)
    chain = dict(
        type="scatter",
        x=names,
        y=middle,
        mode="markers",
        name="this chain (median, 10 to 90 %)",
        marker={"color": "#d55e00", "size": 8, "symbol": "line-ew-open"},
        error_y={"array": high - middle, "arrayminus": middle - low, "color": "#d55e00"},
    )
    layout = {
        "title": "Lengths of what is added to the query's state",
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": "length of the vector"}, "rangemode": "tozero"},
    }
    return PanelFigure([own, chain], layout)


@panel_figure.register
def _(stage: Query, trace: Trace, opened: Neighborhood, *_: object) -> PanelFigure:
    index = int(opened.edges[0])
    cosine = np.where(trace.has_frame, cosine_to(trace, index), np.nan)
    colors = np.full(len(trace), ALONG, dtype=object)
    colors[index] = ACROSS
    dots = dict(
        type="scatter",
        x=np.arange(len(trace)),
        y=cosine,
        mode="markers",
        hovertext=all_for_plotly(hover_of(trace)),
        hovertemplate="%{hovertext}: %{y:.2f}<extra></extra>",
        marker={"size": 5, "color": colors.tolist()},
    )
    layout = {
        "title": "How alike the query states are (cosine)",
        "xaxis": {"title": {"text": "residue (index in the chain)"}},
        "yaxis": {
            "type": "linear",
            "title": f"cosine with {for_plotly(trace.labels[index])}",
            "range": [-1.05, 1.05],
        },
    }
    return PanelFigure([dots], layout, list(range(len(trace))))


@panel_figure.register
def _(stage: Latent, trace: Trace, opened: Neighborhood, *_: object) -> PanelFigure:
    layout = {
        "title": "The latent beside the two nearest codes",
        "xaxis": {"title": {"text": "number in the latent"}},
    }
    return PanelFigure([latent_heat(trace, int(opened.edges[0]))], layout)


@panel_figure.register
def _(stage: Codebook, trace: Trace, opened: Neighborhood, *_: object) -> PanelFigure:
    index = int(opened.edges[0])
    k = min(N_CODES, len(trace.codebook))
    found = nearest_codes(trace.codebook, trace.pre_vq[index : index + 1], k=k)
    codes = found.codes[0].tolist()
    distance = np.sqrt(found.squared_distances[0].clip(min=0))
    bars = dict(
        type="bar",
        x=[str(code) for code in codes],
        y=distance,
        marker={"color": hex_colors(token_colors(trace.codebook)[codes])},
        hovertemplate="code %{x}: %{y:.2f} away; click for the residues that have it"
        "<extra></extra>",
    )
    layout = {
        "title": f"The {k} nearest codes; margin {found.margin[0]:.2f}. Click one for its residues",
        "xaxis": {"type": "category", "title": {"text": "code"}},
        "yaxis": {"title": {"text": "distance from the latent"}},
    }
    return PanelFigure([bars], layout, codes=codes)
