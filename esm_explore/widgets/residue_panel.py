"""The selected residue's internals: a sentence, a figure, a table of its nodes."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from esm_explore.escaping import for_html, for_plotly
from esm_explore.experiments.pairing import ResiduePair
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.pair_contents import of_pair
from esm_explore.widgets.panel_contents import Contents, of_residue
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.stage_figures import TERMS
from esm_explore.widgets.table_view import TableView
from esm_explore.widgets.tools import Tools, option

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
        Called with the residue's index or the code that is clicked in the figure or the table.
    contents : Contents
        What is shown.
    """

    def __init__(self, n_heads: int, on_head: Callable[[], None]):
        self._on_head = on_head
        self.on_residue = self.on_code = lambda _: None
        self._shown: tuple[Stage, Trace, Neighborhood] | None = None
        self.contents = Contents("")
        self.sentence = widgets.HTML()
        heads = [option(_AVERAGE, "all (average)"), *(option(i, str(i)) for i in range(n_heads))]
        terms = [option(term, term) for term in TERMS]
        head = {"kind": "menu", "name": "head", "text": "head", "options": heads}
        term = {"kind": "choice", "name": "term", "text": "what is shown", "options": terms}
        self.heads = Tools(
            "Attention heads", [{**head, "hint": "Which attention head is shown"}, term]
        )
        self.heads.observe(self._redraw, "values")
        self.figure = PlotView(self._clicked, height=0)
        self.table = TableView(self._row_clicked)
        super().__init__([self.sentence, self.heads, self.figure, self.table])

    def show(self, stage: Stage, trace: Trace, opened: Neighborhood) -> None:
        """Show a residue at a stage."""
        self._shown = stage, trace, opened
        self._draw()

    def show_pair(self, pair: ResiduePair, stages: list[Stage]) -> None:
        """Show what parts a residue and the pinned one."""
        self.show_contents(of_pair(pair, stages))

    def show_contents(self, contents: Contents) -> None:
        """Show what something else says of a residue."""
        self._shown = None
        self._put(contents)

    def say(self, text: str) -> None:
        """Show a sentence alone, where there is no residue to show."""
        self.show_contents(Contents(for_html(text)))

    @property
    def chosen_head(self) -> int | None:
        """The head that is shown; None for the average of all."""
        head = self.heads.values["head"]
        return None if head == _AVERAGE else head

    def _redraw(self, _change: dict) -> None:
        if self._shown is not None and self.contents.figure.of_heads:
            self._draw()
            self._on_head()

    def _draw(self) -> None:
        self._put(of_residue(*self._shown, self.chosen_head, self.heads.values["term"]))

    def _put(self, contents: Contents) -> None:
        self.contents = contents
        self.sentence.value = contents.sentence
        self.heads.layout.display = "block" if contents.figure.of_heads else "none"
        self.figure.source = for_plotly(contents.source)
        self.figure.draw(contents.figure.data, contents.axes)
        self.table.show(contents.table)

    def _clicked(self, number: int) -> None:
        figure = self.contents.figure
        if figure.residues:
            self.on_residue(figure.residues[number])
        elif figure.codes:
            self.on_code(figure.codes[number])

    def _row_clicked(self, number: int) -> None:
        table = self.contents.table
        if table.residues:
            self.on_residue(table.residues[number])
        elif table.codes and table.codes[number] >= 0:
            self.on_code(table.codes[number])
