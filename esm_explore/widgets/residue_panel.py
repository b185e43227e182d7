"""The selected residue's internals: a sentence, a figure, a table of its nodes."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as widgets
import numpy as np
import pandas as pd

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
    """One residue at one step.

    Parameters
    ----------
    on_residue : callable
        Called with a residue's index when one is clicked in the figure.
    on_code : callable
        Called with a code when one is clicked.
    on_redraw : callable
        Called when the reader chose another head.
    n_heads : int

    Attributes
    ----------
    shown : tuple of Trace, Neighborhood and Stage, or None
    """

    def __init__(
        self,
        on_residue: Callable[[int], None],
        on_code: Callable[[int], None],
        on_redraw: Callable[[], None],
        n_heads: int,
    ):
        self._on_residue, self._on_code, self._on_redraw = on_residue, on_code, on_redraw
        self.shown: tuple[Trace, Neighborhood, Stage] | None = None
        self._targets: PanelFigure | None = None
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

    def show(self, trace: Trace, opened: Neighborhood, step: Stage) -> None:
        """Show a residue at a step."""
        self.shown = trace, opened, step
        self.sentence.value = f"<b>{escape(step.title)}.</b> {escape(tell(trace, opened, step))}"
        self._controls.layout.display = "flex" if isinstance(step, Attention) else "none"
        self._draw()
        self.table.value = node_table(trace, opened, step, self.chosen_head)

    def say(self, text: str) -> None:
        """Show a sentence alone, where there is no residue to show."""
        self.shown = None
        self.sentence.value = escape(text)
        self.table.value = ""
        self._controls.layout.display = "none"
        self.figure.draw([], {})

    @property
    def chosen_head(self) -> int | None:
        """The head that is shown; None for the average of all."""
        return None if self.head.value == _AVERAGE else self.head.value

    def attention_of_query(self) -> np.ndarray | None:
        """Give the query's attention at the step shown, shape=(K,); None at other steps."""
        if self.shown is None or not isinstance(self.shown[2], Attention):
            return None
        _, opened, step = self.shown
        rows = opened.attention[step.block, :, 0]
        return rows.mean(0) if self.chosen_head is None else rows[self.chosen_head]

    def _redraw(self, _change) -> None:
        if self.shown is not None and isinstance(self.shown[2], Attention):
            self._draw()
            self.table.value = node_table(*self.shown, self.chosen_head)
            self._on_redraw()

    def _draw(self) -> None:
        trace, opened, step = self.shown
        head = self.chosen_head
        self._head_name.value = "all (average)" if head is None else f"head {head}"
        drawn = panel_figure(trace, opened, step, head, self.term.value)
        self._targets = drawn
        title = {"text": drawn.layout["title"], "font": {"size": 14}, "x": 0.01}
        shown = {"title": title, "showlegend": len(drawn.data) > 1, "legend": LEGEND_ABOVE}
        if shown["showlegend"]:
            # A line of its own for the legend, under the title.
            shown["margin"] = {"t": 75, "l": 55, "r": 15, "b": 45}
        self.figure.draw(drawn.data, {**drawn.layout, **shown})

    def _clicked(self, number: int) -> None:
        if self._targets is None:
            return
        if self._targets.residues:
            self._on_residue(self._targets.residues[number])
        elif self._targets.codes:
            self._on_code(self._targets.codes[number])


def node_table(trace: Trace, opened: Neighborhood, step: Stage, head: int | None) -> str:
    """Make the table of a residue's nodes as HTML.

    Parameters
    ----------
    trace : Trace
    opened : Neighborhood
    step : Stage
        At an attention step the query's attention and its two terms are in it.
    head : int or None
        Which head's; None for the average of all.

    Returns
    -------
    str
    """
    names = trace.to_frame()["name"].to_numpy()[opened.edges]
    table = pd.DataFrame(
        {
            "rank": np.arange(len(opened)),
            "residue": [f"{n} {label}" for n, label in zip(names, opened.labels, strict=True)],
            "along": [f"{p:+d}" for p in opened.relative_positions],
            "Å": [f"{d:.1f}" if np.isfinite(d) else "no frame" for d in opened.distances],
            "bin": opened.bins,
            "token": trace.tokens[opened.edges],
        }
    )
    if isinstance(step, Attention):
        table = table.drop(columns=["bin", "token"])
        for name, values, form in (
            ("attention", opened.attention, "{:.1%}"),
            ("distance", -opened.distance_term, "{:.2f}"),
            ("rotation", opened.rotation_term, "{:.2f}"),
        ):
            rows = values[step.block, :, 0]
            row = rows.mean(0) if head is None else rows[head]
            table[name] = [form.format(value) for value in row]
    return '<div class="esm-explore-nodes">' + table.to_html(index=False, border=0) + "</div>"
