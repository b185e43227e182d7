"""Pictures of two conformations: what the latent sees of a movement, and where it is in 3D."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from esm_explore.arguments import check_kind
from esm_explore.encoders.identity import one_encoder
from esm_explore.errors import TraceError
from esm_explore.escaping import all_for_plotly
from esm_explore.experiments.comparing import names_of, superposed_on
from esm_explore.experiments.conformations import MOVED, STILL, Comparison
from esm_explore.palette import CHANGE, FRAMELESS, colors_of
from esm_explore.plots.picture import GRAY, LEGEND_ABOVE, Picture, draw
from esm_explore.plots.structure import StructurePicture
from esm_explore.plots.structure_views import laid_on
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace


def latents_and_motion(first: Trace, second: Trace, compared: Comparison) -> Picture:
    """Show of each residue how much its neighborhood moves and how far its latents are apart.

    Parameters
    ----------
    first, second : Trace
    compared : Comparison
        What `compare_conformations` says of them.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If they are no traces of one encoder, or it is no comparison of them.
    """
    _check_compared(first, second, compared, "latents_and_motion")
    table = compared.residues
    dots = []
    for name, color in CHANGE.items():
        part = table[table["changed"] == (name == "changed")]
        said = part[["first_token", "second_token"]].itertuples()
        dots.append(
            go.Scatter(
                x=part["neighborhood"],
                y=part["latent"],
                mode="markers",
                name=f"token {name}",
                marker={"color": color, "size": 7, "line": {"color": GRAY, "width": 0.5}},
                hovertext=all_for_plotly(f"{label}: {a} → {b}" for label, a, b in said),
            )
        )
    figure = draw(
        dots,
        f"From {compared.names[0]} to {compared.names[1]}: what the latent sees of the movement",
        [first, second],
        table[["neighborhood", "latent"]].to_numpy(),
        source=f"{len(table)} residues; encoder: {compared.encoder_info.title}",
        legend=LEGEND_ABOVE,
    )
    for limit in (STILL, MOVED):
        figure.add_vline(limit, line={"color": GRAY, "dash": "dot", "width": 1})
    if np.isfinite(compared.threshold):
        figure.add_hline(compared.threshold, line={"color": GRAY, "dash": "dot", "width": 1})
    figure.update_xaxes(title="neighborhood moves by, Å", rangemode="tozero")
    figure.update_yaxes(title="latents apart", rangemode="tozero")
    return figure


def view_conformations(first: Trace, second: Trace, compared: Comparison) -> StructurePicture:
    """Show two conformations on each other, the first colored by the distance of its latents.

    Parameters
    ----------
    first, second : Trace
    compared : Comparison
        What `compare_conformations` says of them.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If they are no traces of one encoder, or it is no comparison of them.
    """
    _check_compared(first, second, compared, "view_conformations")
    values = np.full(len(first), np.nan)
    values[compared.residues["index"]] = compared.residues["latent"]
    colors = colors_of(values)
    shown = np.where(np.isfinite(values), colors.hex, FRAMELESS).tolist()
    laid = superposed_on(first, second, compared.by)
    assert laid is not None  # there is no comparison of fewer than three residues
    viewer, still = laid_on(first, shown, second, laid)
    lines = [
        f"{compared.names[0]} colored by how far its latents are from those of {compared.names[1]}",
        f"Encoder: {compared.encoder_info.title}",
        f"Gray: {compared.names[1]}, superposed on it",
    ]
    return StructurePicture(viewer, still, lines, colors.legend, colors.bar)


def _check_compared(first: Trace, second: Trace, compared: Comparison, verb: str) -> None:
    traces = traces_of([first, second], verb)
    right = "what ex.experiments.compare_conformations makes of the traces"
    check_kind(compared, Comparison, "compared", right)
    one_encoder([*traces, compared])
    names = names_of(*traces)
    if names != compared.names:
        raise TraceError(
            f"compared is of {' and '.join(compared.names)}, not of {' and '.join(names)}."
        )
