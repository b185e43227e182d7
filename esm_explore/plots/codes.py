"""Pictures of the codebook: how far codes are apart, and how they are used."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.spatial.distance import pdist, squareform

from esm_explore.analysis.code_usage import Usage
from esm_explore.arguments import check_kind
from esm_explore.encoders.identity import unchanged
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import TraceError
from esm_explore.plots.picture import (
    BLUE,
    GRAY,
    LEGEND_ABOVE,
    ORANGE,
    WHISKERS,
    Picture,
    draw,
)
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace

_BINS = 60
_USAGE = "a Usage, from ex.analysis.usage(tokens, n_codes)"


def code_distances(traces: Trace | list[Trace]) -> Picture:
    """Show how far codes are from each other, beside how far latents are from their code.

    Parameters
    ----------
    traces : Trace or list of Trace
        All of one encoder; residues without a backbone frame are left out.

    Returns
    -------
    Picture
    """
    traces = traces_of(traces, "A picture")
    codebook = traces[0].codebook
    squared = np.concatenate([t.nearest.squared_distances[t.has_frame, 0] for t in traces])
    pairs = pdist(codebook.astype(np.float64))
    square = squareform(pairs)
    np.fill_diagonal(square, np.inf)
    kinds = [
        ("two codes", pairs, "#bbbbbb"),
        ("a code and the one nearest to it", square.min(1), BLUE),
        ("a latent and its code", np.sqrt(squared.clip(min=0)), ORANGE),
    ]
    edges = np.linspace(0, max(values.max() for _, values, _ in kinds), _BINS + 1)
    lines = []
    for name, values, color in kinds:
        share = 100 * np.histogram(values, edges)[0] / len(values)
        step = {"shape": "hvh", "color": color}
        lines.append(
            go.Scatter(
                x=(edges[1:] + edges[:-1]) / 2, y=share, name=name, line=step, fill="tozeroy"
            )
        )
    summary = np.array([np.percentile(values, [5, 50, 95]) for _, values, _ in kinds])
    figure = draw(
        lines, "Distances between codes and latents", traces, summary, legend=LEGEND_ABOVE
    )
    figure.update_xaxes(title="distance in the latent space")
    figure.update_yaxes(title="% of each kind")
    return figure


def code_usage(traces: Trace | list[Trace], used: Usage) -> Picture:
    """Show how unevenly codes are used, and how many appear as residues are added.

    Parameters
    ----------
    traces : Trace or list of Trace
    used : Usage
        Of the traces' codes.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If they are no traces of one encoder, or it is no usage.
    """
    check_kind(used, Usage, "used", _USAGE)
    ranked = np.sort(used.counts)[::-1]
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=("how often, by rank", "codes seen as residues are added")
    )
    line = {"color": BLUE}
    figure.add_trace(
        go.Scatter(x=np.arange(1, used.n_used + 1), y=ranked[: used.n_used], line=line), 1, 1
    )
    figure.add_trace(
        go.Scatter(x=used.rarefaction[:, 0], y=used.rarefaction[:, 1], line=line), 1, 2
    )
    shown = draw(
        figure,
        f"{used.n_used} of {len(used.counts)} codes used, perplexity {used.perplexity:.0f}",
        traces,
        used.rarefaction,
        showlegend=False,
    )
    shown.update_xaxes(title="rank of the code", col=1)
    shown.update_yaxes(title="residues with the code", col=1)
    shown.update_xaxes(title="residues looked at", col=2)
    shown.update_yaxes(title="different codes", col=2)
    return shown


def stored_counts(traces: Trace | list[Trace], used: Usage) -> Picture:
    """Show the counts that training left in the codebook against how often codes are used here.

    Parameters
    ----------
    traces : Trace or list of Trace
        With their encoder, which has the stored counts: ``encoder.codebook.N``.
    used : Usage
        Of the traces' codes.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If they are no traces of one encoder, the first has no encoder or one that has changed, or
        it is no usage of its codes.
    """
    first = traces_of(traces, "A picture")[0]
    encoder = unchanged(first.encoder, first.encoder_info)
    check_kind(used, Usage, "used", _USAGE)
    stored = modules_of(encoder).counts.cpu().numpy()
    if len(used.counts) != len(stored):
        raise TraceError(f"used counts {len(used.counts)} codes; the encoder has {len(stored)}.")
    most = min(5, int(used.counts.max()))
    groups = np.minimum(used.counts, most)
    boxes = [
        go.Box(
            y=stored[groups == n],
            name=f"{n}{' or more' if n == most else ''}",
            boxpoints=False,
            marker={"color": BLUE if n else GRAY},
            showlegend=False,
        )
        for n in range(most + 1)
    ]
    figure = draw(boxes, "Counts stored with the codebook, against use here", traces, stored)
    figure.update_xaxes(title=f"residues here with the code ({WHISKERS})", type="category")
    figure.update_yaxes(title="stored count N of the code", rangemode="tozero")
    return figure
