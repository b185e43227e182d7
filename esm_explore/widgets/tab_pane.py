"""One chain in the inspector, with tabs over what is said of the chosen residue."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from esm_explore.errors import EsmExploreError
from esm_explore.escaping import for_html
from esm_explore.tracing.stages import Stage
from esm_explore.widgets.answers import Answer, around
from esm_explore.widgets.asked import Asked
from esm_explore.widgets.chain_pane import ChainPane
from esm_explore.widgets.ghosts import shown_at
from esm_explore.widgets.panel_contents import Contents
from esm_explore.widgets.selection import Selection
from esm_explore.widgets.stage_lines import Space
from esm_explore.widgets.tabs import STEP, TabBar, tabbed

Answering = Callable[..., Answer]


class TabPane(ChainPane):
    """The views of one chain; its panel has tabs.

    Nothing is worked out for a tab that is not open.

    Parameters
    ----------
    selection, stage, chain
        As `ChainPane` has them.
    answers : dict of str to callable
        What is said in each tab but the first: called with a trace and a residue's index.

    Attributes
    ----------
    bar : TabBar
    answer : Widget
        The bar and the panel.
    """

    def __init__(
        self,
        selection: Selection,
        stage: Stage,
        chain: int | None,
        answers: Mapping[str, Answering],
    ):
        self._answers, self._tab, self._asked = answers, STEP, Asked()
        self._answered: tuple[object, Answer] = None, Answer(Contents(""))
        super().__init__(selection, stage, chain)
        self.bar = TabBar()
        self.answer = tabbed(self.bar, self.panel)

    def turn_to(self, tab: str) -> None:
        """Open a tab."""
        self._tab = tab
        # What is told there is too small to be seen from afar.
        self._zoomed |= tab != STEP
        self._open()

    def settle(self) -> None:
        """Return when the answer that is being worked out is shown."""
        self._asked.wait()

    def _open(self) -> None:
        residue, _ = self._selection.partner(self.chain)
        self._asked.forget()
        if self._tab == STEP or self._selection.selected < 0 or residue < 0:
            super()._open()
            return
        key, answer = self._answered
        wanted = self._tab, self.chain, residue
        if key == wanted:
            self._show_answer(answer)
            return
        self._asked.ask(self._work(residue), lambda found: self._keep(wanted, found))
        if self._asked.is_pending:
            self.panel.say(f"Residue {self.trace.labels[residue]}: being worked out …")
            self.structure.ghost = []
            self._put_in_space(Space([], [], around(self.trace, residue), []))

    def _work(self, residue: int) -> Callable[[], Answer]:
        trace, answering = self.trace, self._answers[self._tab]

        def work() -> Answer:
            try:
                return answering(trace, residue)
            except EsmExploreError as error:
                space = Space([], [], around(trace, residue), [])
                return Answer(Contents(for_html(str(error))), space)

        return work

    def _keep(self, key: object, answer: Answer) -> None:
        self._answered = key, answer
        self._show_answer(answer)

    def _show_answer(self, answer: Answer) -> None:
        self.panel.show_contents(answer.contents)
        with self.structure.hold_sync():
            self.structure.ghost = shown_at(self.trace, self.coords, answer.ghost)
            self._put_in_space(answer.space)
