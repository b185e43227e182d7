"""Pictures of what tokens decode to: the error along the chain, and both chains in 3D."""

from __future__ import annotations

import numpy as np

from esm_explore.experiments.round_trips import RoundTrip
from esm_explore.palette import CATEGORIES, FRAMELESS, colors_of
from esm_explore.plots.panels import Line, panels_along_chain
from esm_explore.plots.picture import GRAY, LEGEND_ABOVE, Picture, check_found
from esm_explore.plots.structure import StructurePicture
from esm_explore.plots.structure_views import laid_on
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
    check_found(trace, trip, RoundTrip, "trip", "round_trip", "round_trip_along_chain")
    table = trip.residues
    panels = {
        "CA off by, Å": [Line(table["error"], GRAY, "error")],
        "0 to 1": [
            Line(table["lddt"], CATEGORIES[0], "lDDT-CA"),
            Line(table["plddt"], CATEGORIES[1], "pLDDT"),
        ],
        "margin": [Line(table["margin"], CATEGORIES[2], "margin")],
    }
    said = [
        f"{label}: token {token}, back {again}"
        for label, token, again in zip(
            trace.labels, table["token"], table["token_again"], strict=True
        )
    ]
    return panels_along_chain(
        panels,
        f"There and back: {trip.rmsd:.2f} Å RMSD, TM-score {trip.tm_score:.3f}",
        trace,
        table[["error", "lddt", "plddt", "margin"]].to_numpy(),
        said=said,
        source=f"{trace.source}; decoder: {trip.decoded.decoder_info.title}",
        height=560,
        legend=LEGEND_ABOVE,
    )


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
    check_found(trace, trip, RoundTrip, "trip", "round_trip", "view_round_trip")
    colors = colors_of(trip.residues["error"].to_numpy())
    shown = np.where(trace.has_frame, colors.hex, FRAMELESS).tolist()
    viewer, still = laid_on(trace, shown, trip.again, trip.again.chain.atom37_positions)
    lines = [
        f"{trace.title}, colored by how far the decoded CA are off, Å",
        f"Encoder: {trace.encoder_info.title}",
        f"Gray: decoded from its tokens by {trip.decoded.decoder_info.title}",
    ]
    return StructurePicture(viewer, still, lines, colors.legend, colors.bar)
