"""Pictures of the latent: its numbers, and how one of the codes wins it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale
from plotly.subplots import make_subplots

from esm_explore.escaping import all_for_plotly
from esm_explore.palette import hex_colors, token_colors
from esm_explore.plots.picture import (
    BLUE,
    LEGEND_ABOVE,
    ORANGE,
    Picture,
    draw,
    hover_of,
    residue_ticks,
)
from esm_explore.tracing.given import check_trace, traces_of
from esm_explore.tracing.traces import Trace


def _framed(traces: Trace | list[Trace]) -> np.ndarray:
    return np.concatenate(
        [trace.pre_vq[trace.has_frame] for trace in traces_of(traces, "A picture")]
    )


def latent_numbers(traces: Trace | list[Trace]) -> Picture:
    """Show how each number of the latents is distributed, widest first.

    Parameters
    ----------
    traces : Trace or list of Trace
        All of one encoder; residues without a backbone frame are left out.

    Returns
    -------
    Picture
    """
    latents = _framed(traces)
    order = np.argsort(-np.std(latents, axis=0), kind="stable")
    low, quarter, middle, upper, high = np.percentile(latents[:, order], [5, 25, 50, 75, 95], 0)
    rank = np.arange(1, len(order) + 1)
    bands = []
    for bottom, top, name, color in (
        (low, high, "5 to 95 %", "rgba(59,111,182,0.25)"),
        (quarter, upper, "25 to 75 %", "rgba(59,111,182,0.5)"),
    ):
        hidden = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        bands.append(go.Scatter(x=rank, y=bottom, showlegend=False, **hidden))
        bands.append(
            go.Scatter(x=rank, y=top, name=name, fill="tonexty", fillcolor=color, **hidden)
        )
    hover = [
        f"number {n} of the latent: median {m:.2f}" for n, m in zip(order, middle, strict=True)
    ]
    line = {"color": "#17375e", "width": 1.5}
    bands.append(go.Scatter(x=rank, y=middle, name="median", line=line, hovertext=hover))
    figure = draw(
        bands, "How the numbers of the latent are distributed", traces, latents, legend=LEGEND_ABOVE
    )
    figure.update_xaxes(title="numbers of the latent, widest first")
    figure.update_yaxes(title="value")
    return figure


def latent_spectrum(traces: Trace | list[Trace]) -> Picture:
    """Show how much of the latents' variance each principal component has.

    Parameters
    ----------
    traces : Trace or list of Trace
        All of one encoder; residues without a backbone frame are left out.

    Returns
    -------
    Picture
    """
    latents = _framed(traces)
    variance = np.linalg.eigvalsh(np.cov(latents.T))[::-1].clip(min=0)
    share = variance / variance.sum()
    # The participation ratio: how many equal components would spread the variance as much.
    dimension = 1 / (share**2).sum()
    bars = go.Bar(x=np.arange(1, len(share) + 1), y=100 * share, marker={"color": BLUE})
    # The last ones are zero but for rounding, which is another on each machine.
    said = share.round(4)
    figure = draw([bars], f"The latent fills about {dimension:.0f} dimensions", traces, said)
    figure.update_xaxes(title="principal component")
    figure.update_yaxes(title="% of the variance")
    return figure


def margins_along_chain(trace: Trace) -> Picture:
    """Show along the chain the margin, and the two distances that it is the difference of.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    Picture
    """
    check_trace(trace, "margins_along_chain")
    found = trace.nearest
    distance = np.sqrt(found.squared_distances.clip(min=0))
    # Without a backbone frame both distances are constants.
    distance = np.where(trace.has_frame[:, None], distance, np.nan)
    margin = np.where(trace.has_frame, found.margin, np.nan)
    x, names = np.arange(len(trace)), all_for_plotly(hover_of(trace))
    runner_up = [
        f"{name}; runner-up {code}" for name, code in zip(names, found.codes[:, 1], strict=True)
    ]
    colors = np.array(hex_colors(token_colors(trace.codebook)))[trace.tokens]
    bars = go.Bar(
        x=x, y=margin, hovertext=names, marker={"color": colors, "line": {"width": 0}},
        name="margin, in the color of the token", showlegend=False,
    )  # fmt: skip
    lines = [
        go.Scatter(x=x, y=distance[:, 1], name="to the runner-up", hovertext=runner_up,
                   line={"color": ORANGE, "width": 1}),
        go.Scatter(x=x, y=distance[:, 0], name="to the winning code", hovertext=names,
                   line={"color": BLUE, "width": 1}),
    ]  # fmt: skip
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    figure.add_trace(bars, 1, 1)
    for line in lines:
        figure.add_trace(line, 2, 1)
    shown = draw(
        figure,
        "How clear each choice of a code was",
        trace,
        np.column_stack([margin, distance]),
        legend=LEGEND_ABOVE,
        height=560,
        bargap=0,
    )
    shown.update_yaxes(title="margin<br>(color: token)", row=1)
    shown.update_yaxes(title="distance from the latent", rangemode="tozero", row=2)
    shown.update_xaxes(**residue_ticks(trace.labels))
    shown.update_xaxes(title="residue number", row=2)
    return shown


def latent_and_codes(trace: Trace, residue: int | str) -> Picture:
    """Show one residue's latent beside the winning and the runner-up code.

    Parameters
    ----------
    trace : Trace
    residue : int or str

    Returns
    -------
    Picture
    """
    check_trace(trace, "latent_and_codes")
    index = trace.index_of(residue)
    heat = latent_heat(trace, index)
    figure = draw(
        [heat],
        f"Residue {trace.labels[index]}: margin {trace.nearest.margin[index]:.2f}",
        trace,
        heat["z"],
        height=300,
    )
    figure.update_xaxes(title="place in the latent (from 0)")
    return figure


def latent_heat(trace: Trace, index: int) -> dict:
    """Make the heat map of `latent_and_codes`, as plotly has it."""
    first, second = trace.nearest.codes[index].tolist()
    rows = np.stack([trace.codebook[second], trace.codebook[first], trace.pre_vq[index]])
    names = [f"runner-up, code {second}", f"winner, code {first}", "latent"]
    limit = float(np.abs(rows).max())
    return {
        "type": "heatmap",
        **{"z": rows, "y": names, "zmin": -limit, "zmax": limit},
        "colorscale": get_colorscale("RdBu_r"),
        "colorbar": {"title": {"text": "value"}},
    }
