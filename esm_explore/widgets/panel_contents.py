"""What the residue panel says of one residue at one stage."""

from __future__ import annotations

from dataclasses import dataclass, field

from esm_explore.escaping import for_html
from esm_explore.plots.picture import LEGEND_ABOVE
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.panel_tables import Table, node_table
from esm_explore.widgets.stage_figures import PanelFigure, panel_figure
from esm_explore.widgets.stage_sentences import explained, tell

_NOTHING = PanelFigure([], {"title": ""})


@dataclass(frozen=True)
class Contents:
    """A sentence, a figure and a table.

    Attributes
    ----------
    sentence : str
        HTML.
    figure : PanelFigure
    table : Table
    source : str
        Chain and encoder.
    """

    sentence: str
    figure: PanelFigure = _NOTHING
    table: Table = field(default_factory=Table)
    source: str = ""

    @property
    def axes(self) -> dict:
        """Plotly's layout for a panel, with a line of its own for the legend."""
        axes = dict(self.figure.layout)
        title = {"text": axes.pop("title"), "font": {"size": 13}, "x": 0.01}
        shown = {"title": title, "showlegend": len(self.figure.data) > 1, "legend": LEGEND_ABOVE}
        if shown["showlegend"]:
            shown["margin"] = {"t": 62, "l": 50, "r": 10, "b": 40}
        return axes | shown


def of_residue(
    stage: Stage, trace: Trace, opened: Neighborhood, head: int | None, term: str
) -> Contents:
    """Say what happened to a residue at a stage; where it has heads, None is their average."""
    return Contents(
        f"<b>{for_html(stage.title)}.</b> {explained(tell(stage, trace, opened))}",
        panel_figure(stage, trace, opened, head, term),
        node_table(stage, trace, opened, head),
        trace.source,
    )
