"""Pictures of comparisons: one protein in two conformations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.escaping import all_for_plotly
from esm_explore.experiments.comparing import names_of
from esm_explore.palette import CHANGE
from esm_explore.plots.picture import (
    GRAY,
    LEGEND_ABOVE,
    Picture,
    check_table,
    draw,
    residue_ticks,
)
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace


def motion_along_chain(first: Trace, second: Trace, motion: pd.DataFrame) -> Picture:
    """Show how far each residue moved, and whether its token changed.

    Two panels: how far its CA moved once the whole chain is superposed, and how much its
    neighborhood changed in itself.

    Parameters
    ----------
    first, second : Trace
    motion : DataFrame
        What `compare` says of them.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If they are no traces of one encoder, or it is no such table.
    """
    traces = traces_of([first, second], "motion_along_chain")
    columns = ("first_token", "second_token", "changed", "whole_chain", "neighborhood")
    check_table(motion, "motion", columns, "compare")
    what = (
        ("whole_chain", "moved, chains<br>superposed, Å"),
        ("neighborhood", "moved, neighborhoods<br>superposed, Å"),
    )
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    x = np.arange(len(motion))
    for row, (column, title) in enumerate(what, start=1):
        line = {"color": GRAY, "width": 1}
        joined = go.Scatter(
            x=x, y=motion[column], mode="lines", line=line, showlegend=False, hoverinfo="skip"
        )
        figure.add_trace(joined, row, 1)
        for name, color in CHANGE.items():
            chosen = (motion["changed"] == (name == "changed")).to_numpy()
            tokens = motion[["first_token", "second_token"]].to_numpy()[chosen]
            labels = motion.index[chosen]
            dots = go.Scatter(
                x=x[chosen],
                y=motion[column][chosen],
                mode="markers",
                name=f"token {name}",
                marker={"color": color, "size": 6, "line": {"color": GRAY, "width": 0.5}},
                hovertext=all_for_plotly(
                    f"{n}: {a} → {b}" for n, (a, b) in zip(labels, tokens, strict=True)
                ),
                showlegend=row == 1,
            )
            figure.add_trace(dots, row, 1)
        figure.update_yaxes(title=title, rangemode="tozero", row=row)
    one, other = names_of(*traces)
    shown = draw(
        figure,
        f"From {one} to {other}: how far, and which tokens change",
        traces,
        motion[[column for column, _ in what]].to_numpy(),
        source=f"{len(motion)} residues; encoder: {first.encoder_info.title}",
        height=560,
        legend=LEGEND_ABOVE,
    )
    shown.update_xaxes(**residue_ticks([str(label) for label in motion.index]))
    shown.update_xaxes(title="residue number", row=2)
    return shown
