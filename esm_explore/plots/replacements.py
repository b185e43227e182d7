"""Pictures of states put in another's place: a curve over the stages, both residues in 3D."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.experiments.replacing import NODES, Replaced
from esm_explore.palette import CATEGORIES, CHANGE, Colors
from esm_explore.plots.picture import GRAY, LEGEND_ABOVE, Picture, check_found_at, draw
from esm_explore.plots.stars import Star, draw_stars
from esm_explore.plots.structure import StructurePicture
from esm_explore.tracing.traces import Trace


def replaced_by_stage(trace: Trace, replaced: Replaced) -> Picture:
    """Show stage by stage how far the latent moves, and from where on it is the donor's.

    Dots are colored by whether the token changed; dotted is the distance to the donor's latent.

    Parameters
    ----------
    trace : Trace
    replaced : Replaced
        What `replace` says of one of its residues, best with stage "all".

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or nothing replaced in it.
    """
    check_found_at(trace, replaced, Replaced, "replaced", "replace", "replaced_by_stage")
    table = replaced.stages
    titles = list(dict.fromkeys(table["stage"]))
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12)
    for row, nodes in enumerate(NODES, start=1):
        part = table[table["nodes"] == nodes]
        x = [titles.index(title) for title in part["stage"]]
        colors = [CHANGE["changed" if flips else "same"] for flips in part["flips"]]
        said = [
            f"{stage}: token {to}"
            for stage, to in part[["stage", "new_token"]].itertuples(index=False)
        ]
        curve = go.Scatter(
            x=x,
            y=part["effect"],
            mode="lines+markers",
            name="latent moves by",
            line={"color": GRAY, "width": 1},
            marker={"color": colors, "size": 11, "line": {"color": GRAY, "width": 1}},
            hovertext=all_for_plotly(said),
            showlegend=row == 1,
        )
        figure.add_trace(curve, row, 1)
        if replaced.donor >= 0:
            line = {"color": CATEGORIES[0], "dash": "dot", "width": 1.5}
            donor = go.Scatter(
                x=x,
                y=part["from_donor"],
                mode="lines",
                name="is from the donor's by",
                line=line,
                showlegend=row == 1,
            )
            figure.add_trace(donor, row, 1)
    for name, color in CHANGE.items():
        mark = {"color": color, "size": 11, "line": {"color": GRAY, "width": 1}}
        key = go.Scatter(x=[None], y=[None], mode="markers", name=f"token {name}", marker=mark)
        figure.add_trace(key, 1, 1)
    what = replaced.value if replaced.donor < 0 else f"the state of {replaced.value}"
    shown = draw(
        figure,
        f"Residue {trace.labels[replaced.index]} given {what}, stage by stage",
        trace,
        table[["effect", "from_donor"]].to_numpy(),
        height=560,
        legend=LEGEND_ABOVE,
    )
    for row, nodes in enumerate(NODES, start=1):
        shown.update_yaxes(title=for_plotly(nodes), rangemode="tozero", row=row)
    shown.update_xaxes(tickvals=list(range(len(titles))), ticktext=all_for_plotly(titles))
    return shown


def view_replaced(trace: Trace, replaced: Replaced) -> StructurePicture:
    """Show in 3D the residue and its neighbors, and the donor and its own.

    Parameters
    ----------
    trace : Trace
    replaced : Replaced
        What `replace` says of one of its residues.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is no trace, or nothing replaced in it.
    """
    check_found_at(trace, replaced, Replaced, "replaced", "replace", "view_replaced")
    own, theirs = CATEGORIES[0], CATEGORIES[5]
    stars, legend = [_star(trace, replaced.index, own)], [(own, "the residue to its neighbors")]
    if replaced.donor >= 0:
        stars.append(_star(trace, replaced.donor, theirs))
        legend.append((theirs, "the donor to its neighbors"))
    table = replaced.stages
    lines = [
        f"{trace.title}: residue {trace.labels[replaced.index]} given {replaced.value}",
        f"Encoder: {trace.encoder_info.title}",
        f"The code changes in {table['flips'].sum()} of {len(table)} replacements",
    ]
    return draw_stars(trace, stars, lines, Colors([], legend))


def _star(trace: Trace, index: int, color: str) -> Star:
    ends = trace.edges[index, 1:].tolist()
    return Star(index, ends, [color] * len(ends), np.full(len(ends), 0.5))
