"""A picture of what linear probes read off each stage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from esm_explore.arguments import check_mapping
from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.palette import CATEGORIES
from esm_explore.plots.picture import LEGEND_ABOVE, Picture, check_table, draw
from esm_explore.tracing.traces import Trace


def probe_scores(traces: Trace | list[Trace], tables: dict[str, pd.DataFrame]) -> Picture:
    """Show how well each stage lets itself be read, beside guessing the most frequent label.

    Parameters
    ----------
    traces : Trace or list of Trace
    tables : dict
        By what was read, a table of `probe_stages`.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If they are no traces of one encoder, or no such tables.
    """
    check_mapping(
        tables, pd.DataFrame, "tables", "a dict of tables of probe_stages, by what was read"
    )
    for name, table in tables.items():
        check_table(table, f"tables[{name!r}]", ("stage", "accuracy", "majority"), "probe_stages")
    lines = []
    for (name, table), color in zip(tables.items(), CATEGORIES, strict=False):
        guess = {"color": color, "dash": "dot", "width": 1}
        lines += [
            go.Scatter(
                x=all_for_plotly(table["stage"]),
                y=table["accuracy"],
                name=for_plotly(name),
                line={"color": color},
            ),
            go.Scatter(
                x=all_for_plotly(table["stage"]),
                y=table["majority"],
                name=for_plotly(f"{name}: always the most frequent"),
                mode="lines",
                line=guess,
                showlegend=False,
            ),
        ]
    scores = np.stack([table[["accuracy", "majority"]] for table in tables.values()])
    figure = draw(
        lines,
        "What a linear probe reads off each stage (dotted: always the most frequent)",
        traces,
        scores,
        legend=LEGEND_ABOVE,
    )
    figure.update_yaxes(title="accuracy on chains left out", range=[0, 1])
    figure.update_xaxes(title="stage")
    return figure
