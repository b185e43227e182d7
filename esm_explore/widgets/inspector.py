"""The inspector: a map, the structure in 3D and the encoder's internals, with one selection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets
import numpy as np
from traitlets import Int, Unicode, observe, validate

from esm_explore.errors import TraceError
from esm_explore.plots.residue_colors import color_by_stage, color_together
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.acting import Acts
from esm_explore.widgets.code_answer import CodeAnswers
from esm_explore.widgets.controls import BY_STEP, color_keys, follow
from esm_explore.widgets.map_panel import LAYOUTS, MapPanel
from esm_explore.widgets.messages import Message, Whole, badge, find_problem, heading, row
from esm_explore.widgets.offline_page import write_page
from esm_explore.widgets.page import Frame
from esm_explore.widgets.selection import Selection, check_is_one_of
from esm_explore.widgets.stage_sentences import summarize
from esm_explore.widgets.tab_pane import TabPane
from esm_explore.widgets.tabs import CODE, STEP, TABS, WHY
from esm_explore.widgets.why_answer import why_answer

if TYPE_CHECKING:
    from esm_explore.atlas.reading import Atlas


class Inspector(Selection, Whole):
    """Linked views of traced chains; made by `inspecting.inspect`.

    It is the selection that its views share. All of these can be set, in any order, and
    observed; what is not there raises a TraceError, and nothing changes.

    Attributes
    ----------
    chain : int
        Which of the traces `selected` and `selection` are about. Another one starts with nothing
        chosen.
    selected : int
        Index of the selected residue in that chain, -1 for none.
    selection : tuple of int
        Indices of many residues; any list of them can be set.
    pinned : (int, int)
        Chain and residue that the selected one is compared with; residue -1 for none.
    step : int
        Which step of the encoder is shown, from 0.
    color : str
        ``"this step"``, or a key of `esm_explore.analysis.annotations.KEYS`, or ``"chain"``.
    arrangement : {"PCA", "UMAP"}
        How the map is laid out.
    tab : {"step", "code", "why"}
        What is said of the selected residue: what happened at the step; what its code means, by
        an atlas; or what becomes of its code without each neighbor and each head.
    is_beside : bool
        Whether it is shown beside the notebook; in a cell it is a line of text then.

    See Also
    --------
    Selection.choose : sets the first three at once.
    """

    step = Int(0)
    color = Unicode(BY_STEP)
    arrangement = Unicode("PCA")
    tab = Unicode(STEP)
    is_beside = False

    def __init__(self, traces: list[Trace], atlas: Atlas | None = None):
        self._stages = traces[0].stages if traces else []
        self._answers = {CODE: CodeAnswers(atlas), WHY: why_answer}
        self._panes: list[TabPane] = []  # there are none if there is a problem
        self._message = Message()
        super().__init__(traces)
        self.add_class("esm-explore-inspector")
        problem = find_problem(traces)
        if problem:
            self._message.say(problem)
            self.children = [self._message]
            return
        self._build()
        self._lay_out()
        self._show({"name": "step"})
        self.observe(self._summarize, "choice")
        framed = np.flatnonzero(traces[0].has_frame)
        self.selected = int(framed[len(framed) // 2])
        self._acts.begin()

    def __repr__(self) -> str:
        titles = "; ".join(trace.title for trace in self.traces)
        encoder = self.traces[0].encoder_info.title if self.traces else "none"
        return f"Inspector of {titles or 'nothing'}\nEncoder: {encoder}"

    def _ipython_display_(self) -> None:
        if self.is_beside:
            print(repr(self))
        else:
            super()._ipython_display_()

    def still(self) -> bytes:
        """Draw what is seen now, as PNG: what a notebook keeps of it."""
        # matplotlib is loaded when a picture is drawn: that is after the live view is seen.
        from esm_explore.widgets.stills import still_of

        for pane in self._panes:
            pane.settle()
        title, _, encoder = repr(self).partition("\nEncoder: ")
        figures = [self._map.figure] if self._panes else []
        return still_of(title, encoder, self._panes, figures, find_problem(self.traces))

    def to_html(self, path: str | Path, *, below: str = "") -> Path:
        """Write the inspector to one HTML file that needs neither a kernel nor the internet.

        Clicking a residue there shows its answer at each step, as it is here for the average of
        all heads, and what its code means; a knock-out needs a kernel. It opens with what is
        chosen now; a bar shows progress.

        Parameters
        ----------
        path : str or Path
            An earlier such page is replaced, another file is not.
        below : str
            HTML that stands below the inspector.

        Returns
        -------
        Path

        Raises
        ------
        TraceError
            If there is nothing to show, or the file cannot be written.
        """
        if not self._panes:
            raise TraceError(find_problem(self.traces))
        # Of many chains the menu shows one at a time, and each is where it is.
        coords = [pane.coords for pane in self._panes if len(self.traces) == 2]
        coords = coords or [None] * len(self.traces)
        shown = {"step": self.step, "color": self.color, "tab": self.tab}
        return write_page(path, self, coords, shown, self._answers[CODE], below)

    def _build(self) -> None:
        stage, self._acts = self._stages[0], Acts(self, self._message.say)
        chains = (0, 1) if len(self.traces) == 2 else (None,)
        self._panes = [TabPane(self, stage, chain, self._answers) for chain in chains]
        for pane in self._panes:
            pane.listen(self._acts.code_clicked)
            follow(self, pane.bar, "tab")
        self._map = MapPanel(self, self._message.say)
        self._summary = widgets.HTML()
        follow(self, self._acts.bar, "step")
        several = {2: ("chain", "linked_by")}.get(len(self.traces), ("chain",))
        names = ("color", "arrangement", *(several if len(self.traces) > 1 else ()))
        follow(self, self._acts.controls, *names)

    def _lay_out(self) -> None:
        n = len(self._panes)
        title = repr(self).partition("\n")[0]
        self.children = [
            Frame(title, self._acts.key),
            widgets.HTML(heading(self.traces) + badge(self.traces)),
            self._acts.bar,
            self._acts.controls,
            self._message,
            row(
                f"body-{n}",
                {
                    **{f"structure-{i}": pane.structure for i, pane in enumerate(self._panes)},
                    "map": self._map.figure,
                    **{f"answer-{i}": pane.answer for i, pane in enumerate(self._panes)},
                    **{f"sequence-{i}": pane.sequence for i, pane in enumerate(self._panes)},
                },
            ),
            self._summary,
        ]

    @validate("step", "color", "arrangement", "tab")
    def _is_known(self, proposal: dict) -> int | str:
        name, value = proposal["trait"].name, proposal["value"]
        there = {
            "step": range(len(self._stages)),
            "color": color_keys(self.traces),
            "arrangement": LAYOUTS,
            "tab": list(TABS),
        }
        check_is_one_of(name, value, there[name])
        return value

    def _summarize(self, _change: dict) -> None:
        self._summary.value = summarize(self.traces[self.chain], self.selection)

    @observe("step", "arrangement", "color")
    def _show(self, change: dict) -> None:
        if not self._panes:
            return
        stage, name = self._stages[self.step], change["name"]
        if name == "step":
            # The panel first: the page does one thing at a time.
            for pane in self._panes:
                pane.show(stage)
        if name != "color":
            self._map.place(stage, self.arrangement, self.step + 1)
        if name == "color" or (name == "step" and self.color == BY_STEP):
            self._paint()
        self._map.draw()

    @observe("tab")
    def _turn(self, _change: dict) -> None:
        for pane in self._panes:
            pane.turn_to(self.tab)

    def _paint(self) -> None:
        colored = (
            color_by_stage(self.traces, self._stages[self.step])
            if self.color == BY_STEP
            else color_together(self.traces, self.color)
        )
        for view in (*self._panes, self._map):
            view.paint(colored)
