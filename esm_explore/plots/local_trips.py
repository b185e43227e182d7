"""Pictures of neighborhoods decoded from their tokens alone, and of the way between two codes."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.errors import TraceError
from esm_explore.experiments.interpolating import Interpolated
from esm_explore.experiments.local_trips import LocalTrip
from esm_explore.palette import CATEGORIES
from esm_explore.plots.panels import Line, panels_along_chain
from esm_explore.plots.picture import (
    BLUE,
    GRAY,
    LEGEND_ABOVE,
    ORANGE,
    Picture,
    check_found,
    check_found_at,
    draw,
    hover_of,
)
from esm_explore.plots.still import LINE
from esm_explore.plots.structure import StructurePicture, point
from esm_explore.plots.structure_views import cartoon_viewer, still_of, view
from esm_explore.tracing.traces import Trace


def local_trip_along_chain(trace: Trace, trip: LocalTrip) -> Picture:
    """Show how far off each residue's neighborhood is when it is decoded from its token alone.

    Parameters
    ----------
    trace : Trace
    trip : LocalTrip
        What `decode_local` says of it.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or these are no neighborhoods of it.
    """
    check_found(trace, trip, LocalTrip, "trip", "decode_local", "local_trip_along_chain")
    table = trip.residues
    panels = {
        "CA off by, Å": [Line(table["error"], BLUE)],
        "turn, degrees": [Line(table["turn"], ORANGE)],
        "margin": [Line(table["margin"], GRAY)],
    }
    return panels_along_chain(
        panels,
        "Each neighborhood, decoded from its token by itself",
        trace,
        table[["error", "turn", "margin"]].to_numpy(),
        said=hover_of(trace),
        source=f"{trace.source}, with its local decoder",
        showlegend=False,
        height=560,
    )


def view_local_trip(
    trace: Trace, trip: LocalTrip, residue: int | str | None = None
) -> StructurePicture:
    """Show a chain colored by how far off its neighborhoods are, or one of them in place.

    Parameters
    ----------
    trace : Trace
    trip : LocalTrip
        What `decode_local` says of it.
    residue : int or str, optional
        As in `Trace.index_of`: balls where this residue's token has its neighbors' CA, each with a
        line to where the CA is.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is no trace, these are no neighborhoods of it, or there is no such residue, or it
        has no backbone frame.
    """
    check_found(trace, trip, LocalTrip, "trip", "decode_local", "view_local_trip")
    if residue is None:
        return view(trace, trip.error, label="error of the decoded neighborhood, Å")
    index = trace.index_of(residue)
    if not trace.has_frame[index]:
        raise TraceError(
            f"Residue {trace.labels[index]} of {trace.title} has no backbone frame: there is no "
            "neighborhood to show."
        )
    nodes, decoded = trace.edges[index], trip.ca[index].astype(float)
    ball, viewer = CATEGORIES[0], cartoon_viewer(trace, {"cartoon": {"color": "#dddddd"}})
    ghost, framed = [], [k for k in range(1, len(nodes)) if trace.has_frame[nodes[k]]]
    for k in framed:
        there = trace.chain.atom37_positions[nodes[k], 1].astype(float)
        viewer.addSphere({"center": point(decoded[k]), "radius": 0.5, "color": ball})
        ends = {"start": point(there), "end": point(decoded[k])}
        viewer.addCylinder({**ends, "radius": 0.06, "color": LINE})
        ghost.append({"points": np.stack([there, decoded[k]]), "color": LINE, "radius": 0.06})
        ghost.append({"points": decoded[k][None], "color": ball, "radius": 0.35})
    viewer.zoomTo({"resi": [int(node) + 1 for node in nodes]})
    still = still_of(
        trace,
        ["#dddddd"] * len(trace),
        selected=index,
        focus=nodes.tolist(),
        named=[int(nodes[k]) for k in framed],
        ghost=ghost,
    )
    lines = [
        f"{trace.title}: the neighbors of {trace.labels[index]} as token "
        f"{trace.tokens[index]} has them, {trip.error[index]:.1f} Å off",
        f"Encoder: {trace.encoder_info.title}, with its local decoder",
    ]
    legend = [(ball, "decoded CA, seen from the residue"), (LINE, "to where it is")]
    return StructurePicture(viewer, still, lines, legend)


def codes_on_the_way(trace: Trace, way: Interpolated) -> Picture:
    """Show which codes are nearest on the line between two codes, and what moves on the way.

    Parameters
    ----------
    trace : Trace
    way : Interpolated
        What `interpolate` says of one of its residues.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or this is no way of it.
    """
    check_found_at(trace, way, Interpolated, "way", "interpolate", "codes_on_the_way")
    steps = way.steps
    curves = [
        ("moved_local", "its neighbors, decoded locally", BLUE),
        ("moved", "the residue, in the decoded chain", ORANGE),
        ("moved_most", "the residue that moves most there", GRAY),
    ]
    curves = [curve for curve in curves if steps[curve[0]].notna().any()]
    figure = make_subplots(rows=1 + bool(curves), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for place, code in enumerate(way.codes):
        rows = steps[steps["code"] == code]
        color = CATEGORIES[place % len(CATEGORIES)]
        dots = {"mode": "lines+markers", "marker": {"color": color, "size": 5}}
        values = {"x": rows["fraction"], "y": rows["distance"], "name": f"code {code}"}
        figure.add_trace(go.Scatter(**values, **dots), 1, 1)
    for column, name, color in curves:
        values = {"x": steps["fraction"], "y": steps[column], "name": name}
        figure.add_trace(go.Scatter(**values, mode="lines", line={"color": color}), 2, 1)
    decoder = f"; decoder: {way.decoder_info.title}" if way.decoder_info else ""
    numbers = steps[["distance", *(column for column, *_ in curves)]].to_numpy()
    shown = draw(
        figure,
        f"{way.name}: from code {way.token} to code {way.target} in a straight line",
        trace,
        numbers,
        source=trace.source + decoder,
        height=560 if curves else 380,
        legend=LEGEND_ABOVE,
    )
    shown.update_yaxes(title="distance to the<br>nearest code", rangemode="tozero", row=1)
    if curves:
        shown.update_yaxes(title="moved, Å", rangemode="tozero", row=2)
    shown.update_xaxes(title="share of the way", row=1 + bool(curves))
    return shown
