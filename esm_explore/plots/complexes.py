"""Pictures of a complex encoded jointly: where its chains meet, and which tokens that changes."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.experiments.joining import JointComparison
from esm_explore.findings import some
from esm_explore.palette import CATEGORIES, CHANGE
from esm_explore.plots.picture import (
    GRAY,
    LEGEND_ABOVE,
    Picture,
    check_found,
    draw,
    residue_ticks,
)
from esm_explore.plots.still import ACROSS
from esm_explore.plots.structure import StructurePicture, point
from esm_explore.plots.structure_views import cartoon_viewer, scheme, still_of
from esm_explore.tracing.traces import Trace

# Away from the interface, so that chains are told apart where nothing happens.
_AWAY = ("#d9d9d9", "#9e9e9e")
_THIN = 0.08  # Å, of the line of an edge


def interface_along_chains(trace: Trace, compared: JointComparison) -> Picture:
    """Show along the chains how many nodes are of another chain, and what that does.

    Two panels: how many of each residue's nodes are of another chain, colored by whether joint
    encoding changes the token; how far its latent is from that of the chain alone.

    Parameters
    ----------
    trace : Trace
        Of a complex.
    compared : JointComparison
        What `compare_joint` says of it.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or no comparison of it.
    """
    verb = "interface_along_chains"
    check_found(trace, compared, JointComparison, "compared", "compare_joint", verb)
    table = compared.residues
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    said = [
        f"{label}: alone {one}, jointly {other}"
        for label, one, other in zip(table.index, table["alone"], table["joint"], strict=True)
    ]
    for name, color in CHANGE.items():
        chosen = (table["changed"] == (name == "changed")).to_numpy()
        bars = go.Bar(
            x=table["index"][chosen],
            y=table["foreign"][chosen],
            name=f"token {name}",
            marker={"color": color, "line": {"color": GRAY, "width": 0.3}},
            hovertext=all_for_plotly(np.array(said, dtype=object)[chosen]),
        )
        figure.add_trace(bars, 1, 1)
    line = go.Scatter(
        x=table["index"],
        y=table["latent"],
        mode="lines",
        line={"color": CATEGORIES[0], "width": 1.5},
        hovertext=all_for_plotly(said),
        showlegend=False,
    )
    figure.add_trace(line, 2, 1)
    figure.update_yaxes(title="nodes in<br>another chain", rangemode="tozero", row=1)
    figure.update_yaxes(title="latents apart", rangemode="tozero", row=2)
    shown = draw(
        figure,
        f"{compared.name}: where chains meet, and which tokens joint encoding changes",
        trace,
        table[["foreign", "latent"]].to_numpy(),
        height=520,
        legend=LEGEND_ABOVE,
        bargap=0.1,
    )
    for name, rows in trace.parts:
        if rows.start:
            shown.add_vline(rows.start - 1, line={"color": GRAY, "width": 1.5})
        shown.add_annotation(
            text=for_plotly(f"chain {name}"),
            x=rows.start,
            xanchor="left",
            **{"y": 0.53, "yref": "paper", "yanchor": "top", "showarrow": False},
        )
    shown.update_xaxes(**residue_ticks(trace.labels))
    shown.update_xaxes(title="residue", row=2)
    return shown


def view_interface(trace: Trace, compared: JointComparison) -> StructurePicture:
    """Show a complex in 3D: tokens that joint encoding changes, and the edges that cross chains.

    Parameters
    ----------
    trace : Trace
        Of a complex.
    compared : JointComparison
        What `compare_joint` says of it.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is no trace, or no comparison of it.
    """
    check_found(trace, compared, JointComparison, "compared", "compare_joint", "view_interface")
    hexes = np.full(len(trace), _AWAY[0], dtype=object)
    for turn, (_, rows) in enumerate(trace.parts):
        hexes[rows] = _AWAY[turn % len(_AWAY)]
    table = compared.residues
    at = table[(table["foreign"] > 0) | table["changed"]]
    hexes[at["index"]] = np.where(at["changed"], CHANGE["changed"], CHANGE["same"])
    ca = trace.chain.atom37_positions[:, 1].astype(float)
    places = dict(zip(trace.labels, range(len(trace)), strict=True))
    crossing = compared.crossing
    pairs = zip(crossing["residue"].map(places), crossing["node"].map(places), strict=True)
    joined = sorted({(min(pair), max(pair)) for pair in pairs})
    viewer = cartoon_viewer(trace, {"cartoon": {"colorscheme": scheme(hexes.tolist())}})
    for i, j in joined:
        ends = {"start": point(ca[i]), "end": point(ca[j])}
        viewer.addCylinder({**ends, "radius": _THIN, "color": ACROSS})
    viewer.zoomTo()
    ghost = [{"points": ca[[i, j]], "color": ACROSS, "radius": _THIN / 2} for i, j in joined]
    lines = [
        f"{trace.title}: tokens that joint encoding changes, and edges across chains",
        f"Encoder: {trace.encoder_info.title}",
        f"{int(table['changed'].sum())} tokens changed, {len(joined)} pairs of residues joined",
    ]
    legend = [
        (CHANGE["changed"], "token changed"),
        (CHANGE["same"], "at the interface, token the same"),
        (ACROSS, "an edge to another chain"),
    ]
    for turn, gray in enumerate(_AWAY):
        names = [name for name, _ in trace.parts[turn :: len(_AWAY)]]
        legend.append((gray, f"away from it: {some(names)}"))
    return StructurePicture(viewer, still_of(trace, hexes.tolist(), ghost=ghost), lines, legend)
