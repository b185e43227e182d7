"""Pictures of what tokens decode to: the error along the chain, and both chains in 3D."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.arguments import check_kind
from esm_explore.errors import TraceError
from esm_explore.escaping import all_for_plotly
from esm_explore.experiments.round_trips import RoundTrip
from esm_explore.palette import CATEGORIES, FRAMELESS, colors_of
from esm_explore.plots.picture import GRAY, LEGEND_ABOVE, Picture, draw, residue_ticks
from esm_explore.plots.structure import StructurePicture
from esm_explore.plots.structure_views import laid_on
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace


def round_trip_along_chain(trace: Trace, trip: RoundTrip) -> Picture:
    """Show the error of each decoded residue, and beside it what might have told of it.

    Three panels: the error of CA once the chains are superposed; lDDT-CA and the decoder's own
    pLDDT; the encoder's margin.

    Parameters
    ----------
    trace : Trace
    trip : RoundTrip
        What `round_trip` says of it.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or no round trip of it.
    """
    _check_of(trace, trip, "round_trip_along_chain")
    table = trip.residues
    rows = [
        ("CA off by, Å", [("error", "error", GRAY)]),
        ("0 to 1", [("lddt", "lDDT-CA", CATEGORIES[0]), ("plddt", "pLDDT", CATEGORIES[1])]),
        ("margin", [("margin", "margin", CATEGORIES[2])]),
    ]
    figure = make_subplots(rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.05)
    said = [
        f"{label}: token {token}, back {again}"
        for label, token, again in zip(
            trace.labels, table["token"], table["token_again"], strict=True
        )
    ]
    for row, (title, curves) in enumerate(rows, start=1):
        for column, name, color in curves:
            curve = go.Scatter(
                x=np.arange(len(trace)),
                y=table[column],
                mode="lines",
                name=name,
                line={"color": color, "width": 1.5},
                hovertext=all_for_plotly(said),
            )
            figure.add_trace(curve, row, 1)
        figure.update_yaxes(title=title, rangemode="tozero", row=row)
    shown = draw(
        figure,
        f"There and back: {trip.rmsd:.2f} Å RMSD, TM-score {trip.tm_score:.3f}",
        [trace],
        table[["error", "lddt", "plddt", "margin"]].to_numpy(),
        source=f"{trace.source}; decoder: {trip.decoded.decoder_info.title}",
        height=560,
        legend=LEGEND_ABOVE,
    )
    shown.update_xaxes(**residue_ticks(trace.labels))
    shown.update_xaxes(title="residue number", row=len(rows))
    return shown


def view_round_trip(trace: Trace, trip: RoundTrip) -> StructurePicture:
    """Show a chain colored by its error, and on it in gray what its tokens decode to.

    Parameters
    ----------
    trace : Trace
    trip : RoundTrip
        What `round_trip` says of it.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is no trace, or no round trip of it.
    """
    _check_of(trace, trip, "view_round_trip")
    colors = colors_of(trip.residues["error"].to_numpy())
    shown = np.where(trace.has_frame, colors.hex, FRAMELESS).tolist()
    viewer, still = laid_on(trace, shown, trip.again, trip.again.chain.atom37_positions)
    lines = [
        f"{trace.title}, colored by how far the decoded CA are off, Å",
        f"Encoder: {trace.encoder_info.title}",
        f"Gray: decoded from its tokens by {trip.decoded.decoder_info.title}",
    ]
    return StructurePicture(viewer, still, lines, colors.legend, colors.bar)


def _check_of(trace: Trace, trip: RoundTrip, verb: str) -> None:
    check_trace(trace, verb)
    check_kind(trip, RoundTrip, "trip", "what ex.experiments.round_trip makes of the trace")
    if trip.title != trace.title or trip.encoder_info.digest != trace.encoder_info.digest:
        raise TraceError(f"trip is of {trip.title}, not of {trace.title}, or of another encoder.")
