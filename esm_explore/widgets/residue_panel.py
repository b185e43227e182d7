"""The selected residue's internals: a sentence, a figure, a table of its nodes."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

import ipywidgets as widgets
import numpy as np
import pandas as pd

from esm_explore.escaping import for_html
from esm_explore.plots.picture import LEGEND_ABOVE
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Attention, Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.stage_figures import TERMS, PanelFigure, panel_figure
from esm_explore.widgets.stage_sentences import tell

_HEIGHT = 380
_AVERAGE = -1


class ResiduePanel(widgets.VBox):
    """One residue at one stage.

    Parameters
    ----------
    n_heads : int
    on_head : callable
        Called when the reader chose another head.

    Attributes
    ----------
    on_residue, on_code : callable
        Called with the residue's index or the code that is clicked in the figure.
    """

    def __init__(self, n_heads: int, on_head: Callable[[], None]):
        self._on_head = on_head
        self.on_residue = self.on_code = lambda _: None
        self._shown: tuple[Stage, Trace, Neighborhood] | None = None
        self._drawn: PanelFigure | None = None
        self.sentence = widgets.HTML()
        self.head = widgets.IntSlider(
            _AVERAGE,
            _AVERAGE,
            n_heads - 1,
            description="head",
            readout=False,
            continuous_update=False,
            layout={"width": "260px"},
            style={"description_width": "initial"},
        )
        self._head_name = widgets.Label(layout={"width": "100px"})
        self.term = widgets.ToggleButtons(options=TERMS, style={"button_width": "84px"})
        self._controls = widgets.HBox([self.head, self._head_name, self.term])
        self.figure = PlotView(self._clicked, height=_HEIGHT)
        self.table = widgets.HTML(layout={"flex": "0 0 auto", "max_height": f"{_HEIGHT}px"})
        self.table.layout.overflow = "auto"
        self.figure.layout.flex, self.figure.layout.min_width = "1 1 420px", "0"
        # Where two panels share the page the table goes under the figure.
        figure_and_table = widgets.HBox([self.figure, self.table], layout={"flex_flow": "row wrap"})
        self.head.observe(self._redraw, "value")
        self.term.observe(self._redraw, "value")
        super().__init__(
            [self.sentence, self._controls, figure_and_table],
            layout={"flex": "1 1 0", "min_width": "0"},
        )

    def show(self, stage: Stage, trace: Trace, opened: Neighborhood) -> None:
        """Show a residue at a stage."""
        self._shown = stage, trace, opened
        self.sentence.value = (
            f"<b>{for_html(stage.title)}.</b> {for_html(tell(stage, trace, opened))}"
        )
        self._draw()

    def say(self, text: str) -> None:
        """Show a sentence alone, where there is no residue to show."""
        self._shown = self._drawn = None
        self.sentence.value = for_html(text)
        self.table.value = ""
        self._controls.layout.display = "none"
        self.figure.draw([], {})

    @property
    def chosen_head(self) -> int | None:
        """The head that is shown; None for the average of all."""
        return None if self.head.value == _AVERAGE else self.head.value

    def _redraw(self, _change: dict) -> None:
        if self._drawn is not None and self._drawn.of_heads:
            self._draw()
            self._on_head()

    def _draw(self) -> None:
        head = self.chosen_head
        self._head_name.value = "all (average)" if head is None else f"head {head}"
        drawn = self._drawn = panel_figure(*self._shown, head, self.term.value)
        self._controls.layout.display = "flex" if drawn.of_heads else "none"
        title = {"text": drawn.layout["title"], "font": {"size": 14}, "x": 0.01}
        shown = {"title": title, "showlegend": len(drawn.data) > 1, "legend": LEGEND_ABOVE}
        if shown["showlegend"]:
            # A line of its own for the legend, under the title.
            shown["margin"] = {"t": 75, "l": 55, "r": 15, "b": 45}
        self.figure.draw(drawn.data, {**drawn.layout, **shown})
        self.table.value = node_table(*self._shown, head)

    def _clicked(self, number: int) -> None:
        if self._drawn is None:
            return
        if self._drawn.residues:
            self.on_residue(self._drawn.residues[number])
        elif self._drawn.codes:
            self.on_code(self._drawn.codes[number])


def node_table(stage: Stage, trace: Trace, opened: Neighborhood, head: int | None) -> str:
    """Make the table of a residue's nodes as HTML; where a stage has heads, None is all of them."""
    names = trace.to_frame()["name"].to_numpy()[opened.edges]
    columns = {
        "rank": np.arange(len(opened)),
        "residue": [f"{n} {label}" for n, label in zip(names, opened.labels, strict=True)],
        "along": [f"{p:+d}" for p in opened.relative_positions],
        "Å": [f"{d:.1f}" if np.isfinite(d) else "no frame" for d in opened.distances],
        **_columns(stage, trace, opened, head),
    }
    table = pd.DataFrame(columns).to_html(index=False, border=0)
    return f'<div class="esm-explore-nodes">{table}</div>'


@singledispatch
def _columns(stage: Stage, trace: Trace, opened: Neighborhood, head: int | None) -> dict:
    return {"bin": opened.bins, "token": trace.tokens[opened.edges]}


@_columns.register
def _(stage: Attention, trace: Trace, opened: Neighborhood, head: int | None) -> dict:
    columns = {}
    for name, values, form in (
        ("attention", opened.attention, "{:.1%}"),
        ("distance", -opened.distance_term, "{:.2f}"),
        ("rotation", opened.rotation_term, "{:.2f}"),
    ):
        rows = values[stage.block, :, 0]
        row = rows.mean(0) if head is None else rows[head]
        columns[name] = [form.format(value) for value in row]
    return columns
