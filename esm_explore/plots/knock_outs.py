"""Pictures of knock-outs: effects beside attention, along a chain, and a star in 3D."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.experiments.knocked_out import MODES, KnockOut, KnockOutProfile
from esm_explore.palette import CATEGORIES, CHANGE, colors_of
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
from esm_explore.plots.stars import Star, draw_stars
from esm_explore.plots.structure import StructurePicture
from esm_explore.tracing.traces import Trace

# Apart from those of changed and same.
_BLOCKS = CATEGORIES[2:4]
_EDGE = {"color": GRAY, "width": 0.5}


def knock_out_effects(trace: Trace, knocked: KnockOut) -> Picture:
    """Show how much each neighbor counts, what attention it gets, and how much each head counts.

    Parameters
    ----------
    trace : Trace
    knocked : KnockOut
        What `knock_out` says of one of its residues.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or no knock-out of it.
    """
    check_found_at(trace, knocked, KnockOut, "knocked", "knock_out", "knock_out_effects")
    neighbors, heads = knocked.neighbors, knocked.heads
    titles = ["effect", "attention", "effect"][: 2 if heads is None else 3]
    figure = make_subplots(rows=len(titles), cols=1, vertical_spacing=0.13)
    names = all_for_plotly(neighbors["residue"])
    places = np.arange(len(neighbors))
    _add_bars(figure, 1, places, neighbors, names, showlegend=True)
    blocks = [name for name in neighbors if name.startswith("attention ")]
    for name, color in zip(blocks, _BLOCKS * len(blocks), strict=False):
        bars = go.Bar(
            x=places,
            y=neighbors[name],
            name=for_plotly(name.replace("attention", "attention, block")),
            marker={"color": color},
        )
        figure.add_trace(bars, 2, 1)
    for row in (1, 2):
        figure.update_xaxes(tickvals=places, ticktext=names, row=row)
    figure.update_xaxes(title="neighbor, nearest first", row=2)
    numbers = [neighbors["effect"]]
    if heads is not None:
        said = all_for_plotly(knocked.to_frame()["what"][len(neighbors) :])
        _add_bars(figure, 3, np.arange(len(heads)), heads, said, showlegend=False)
        figure.update_xaxes(title="head silenced, block by block", row=3)
        numbers.append(heads["effect"])
    shown = draw(
        figure,
        f"What the code of residue {trace.labels[knocked.index]} hangs on, neighbors "
        f"{MODES[knocked.how]}",
        trace,
        np.concatenate(numbers),
        height=200 + 150 * len(titles),
        legend=LEGEND_ABOVE,
        barmode="group",
    )
    for row, title in enumerate(titles, start=1):
        shown.update_yaxes(title=title, rangemode="tozero", row=row)
    return shown


def _add_bars(
    figure: go.Figure,
    row: int,
    places: np.ndarray,
    table: pd.DataFrame,
    names: list[str],
    *,
    showlegend: bool,
) -> None:
    """Add effects, in the colors of changed and same."""
    for name, color in CHANGE.items():
        bars = go.Bar(
            x=places,
            # Side by side in one place, or bars are half as wide.
            y=np.where(table["flips"] == (name == "changed"), table["effect"], np.nan),
            name=f"token {name}",
            marker={"color": color, "line": _EDGE},
            hovertext=[
                f"{what}: token {to}" for what, to in zip(names, table["new_token"], strict=True)
            ],
            legendgroup=name,
            showlegend=showlegend,
            offsetgroup="effect",
        )
        figure.add_trace(bars, row, 1)


def knock_outs_along_chain(trace: Trace, profile: KnockOutProfile) -> Picture:
    """Show along the chain how many neighbors change a code, how much, and whether attention tells.

    Parameters
    ----------
    trace : Trace
    profile : KnockOutProfile
        What `knock_out_profile` says of it.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is no trace, or no profile of it.
    """
    made_by, verb = "knock_out_profile", "knock_outs_along_chain"
    check_found(trace, profile, KnockOutProfile, "profile", made_by, verb)
    framed = trace.has_frame
    most = np.where(framed, np.where(framed[:, None], profile.effects, 0).max(1), np.nan)
    flips = np.where(framed, profile.flips, np.nan)
    panels = {
        "largest effect": [Line(most, BLUE)],
        "flips": [Line(flips, ORANGE)],
        "attention's rank": [Line(profile.correlation, GRAY)],
    }
    return panels_along_chain(
        panels,
        f"What codes hang on, neighbors {MODES[profile.how]}",
        trace,
        np.stack([most, flips, profile.correlation]),
        said=hover_of(trace),
        signed=["attention's rank"],
        showlegend=False,
        height=620,
    )


def view_knock_out(trace: Trace, knocked: KnockOut) -> StructurePicture:
    """Show a residue's neighbors in 3D, joined to it by lines that say how much each counts.

    Lines are colored by how far the latent moves without the neighbor, and thick where the code
    changes.

    Parameters
    ----------
    trace : Trace
    knocked : KnockOut
        What `knock_out` says of one of its residues.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is no trace, or no knock-out of it.
    """
    check_found_at(trace, knocked, KnockOut, "knocked", "knock_out", "view_knock_out")
    effects = knocked.neighbors["effect"].to_numpy()
    colors = colors_of(effects)
    flips = knocked.neighbors["flips"].to_numpy()
    star = Star(
        knocked.index, knocked.neighbors["index"].tolist(), colors.hex, np.where(flips, 1.0, 0.4)
    )
    lines = [
        f"{trace.title}: residue {trace.labels[knocked.index]}, neighbors {MODES[knocked.how]}",
        f"Encoder: {trace.encoder_info.title}",
        "Lines: how far the latent moves; thick where the code changes "
        f"({flips.sum()} of {len(flips)})",
    ]
    return draw_stars(trace, [star], lines, colors)
