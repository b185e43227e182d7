"""Pictures of the latent and the codebook."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.codebook import Usage, nearest_codes
from esm_explore.palette import hex_colors, token_colors
from esm_explore.show.picture import Picture, hover_of, picture, source_of
from esm_explore.traces import Trace


def latent_spectrum(latents: np.ndarray, source: str) -> Picture:
    """Show how much of the latents' variance each principal component has.

    Parameters
    ----------
    latents : ndarray, shape=(N, d_code)
        Of residues with a backbone frame.
    source : str
        Whose they are and by which encoder.
    """
    variance = np.linalg.eigvalsh(np.cov(latents.T))[::-1].clip(min=0)
    share = variance / variance.sum()
    # The participation ratio: how many equal components would spread the variance as much.
    dimension = 1 / (share**2).sum()
    bars = go.Bar(x=np.arange(1, len(share) + 1), y=100 * share, marker={"color": "#3b6fb6"})
    figure = picture([bars], f"The latent fills about {dimension:.0f} dimensions", source, share)
    figure.update_xaxes(title="principal component")
    figure.update_yaxes(title="% of the variance")
    return figure


def margins_along_chain(trace: Trace) -> Picture:
    """Show the distance to the winning code and to the runner-up, along the chain."""
    found = nearest_codes(trace.codebook, trace.pre_vq, k=2)
    distance = np.sqrt(found.squared_distances.clip(min=0))
    # Without a backbone frame both distances are constants.
    distance = np.where(trace.has_frame[:, None], distance, np.nan)
    x, names = np.arange(len(trace)), hover_of(trace)
    runner_up = [
        f"{name}; runner-up {code}" for name, code in zip(names, found.codes[:, 1], strict=True)
    ]
    colors = np.array(hex_colors(token_colors(trace.codebook)))[trace.tokens]
    lines = [
        go.Scatter(
            x=x,
            y=distance[:, 1],
            name="runner-up",
            hovertext=runner_up,
            line={"color": "#bbbbbb", "width": 1},
        ),
        go.Scatter(
            x=x,
            y=distance[:, 0],
            name="winning code",
            mode="lines+markers",
            hovertext=names,
            line={"color": "#555555", "width": 1},
            marker={"color": colors, "size": 6},
        ),
    ]
    figure = picture(
        lines,
        "How clear each choice of a code was",
        source_of(trace),
        distance,
        legend={"orientation": "h", "y": 1.08, "x": 0.6},
    )
    figure.update_xaxes(title="residue (index in the chain)")
    figure.update_yaxes(title="distance from the latent", rangemode="tozero")
    return figure


def code_usage(used: Usage, source: str) -> Picture:
    """Show how unevenly codes are used, and how many appear as residues are added.

    Parameters
    ----------
    used : Usage
    source : str
        Of which residues, by which encoder.
    """
    ranked = np.sort(used.counts)[::-1]
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=("how often, by rank", "codes seen as residues are added")
    )
    line = {"color": "#3b6fb6"}
    figure.add_trace(
        go.Scatter(x=np.arange(1, used.n_used + 1), y=ranked[: used.n_used], line=line), 1, 1
    )
    figure.add_trace(
        go.Scatter(x=used.rarefaction[:, 0], y=used.rarefaction[:, 1], line=line), 1, 2
    )
    shown = picture(
        figure,
        f"{used.n_used} of {len(used.counts)} codes used, perplexity {used.perplexity:.0f}",
        source,
        used.rarefaction,
        showlegend=False,
    )
    shown.update_xaxes(title="rank of the code", col=1)
    shown.update_yaxes(title="residues", col=1)
    shown.update_xaxes(title="residues", col=2)
    shown.update_yaxes(title="codes", col=2)
    return shown


def latent_and_codes(trace: Trace, residue: int | str) -> Picture:
    """Show one residue's latent beside the winning and the runner-up code."""
    index = trace.index_of(residue)
    found = nearest_codes(trace.codebook, trace.pre_vq[index : index + 1], k=2)
    first, second = found.codes[0].tolist()
    rows = np.stack([trace.codebook[second], trace.codebook[first], trace.pre_vq[index]])
    names = [f"runner-up, code {second}", f"winner, code {first}", "latent"]
    limit = float(np.abs(rows).max())
    heat = go.Heatmap(z=rows, y=names, zmin=-limit, zmax=limit, colorscale="RdBu_r")
    figure = picture(
        [heat],
        f"Residue {trace.labels[index]}: margin {found.margin[0]:.2f}",
        source_of(trace),
        rows,
        height=300,
    )
    figure.update_xaxes(title="number in the latent")
    return figure
