"""The inspector: a map, the structure in 3D and the encoder's internals, with one selection."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets as widgets
import numpy as np
from traitlets import Int, Unicode, observe, validate

from esm_explore.errors import EsmExploreError
from esm_explore.escaping import for_html
from esm_explore.palette import FRAMELESS, legend_html
from esm_explore.plots.residue_colors import color_by_stage, color_together
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.chain_pane import ChainPane
from esm_explore.widgets.controls import BY_STEP, Controls, StepBar, color_keys, find_residue
from esm_explore.widgets.map_panel import LAYOUTS, MapPanel
from esm_explore.widgets.messages import Message, Whole, badge, find_problem, heading
from esm_explore.widgets.page import Keys
from esm_explore.widgets.selection import Selection, check_is_one_of
from esm_explore.widgets.stage_sentences import summarize

_HINT = (
    "Click a residue anywhere (map, structure, sequence, bars, heat map) and everything follows. "
    "Drag over the sequence or lasso on the map for many. Keys 1 to 9 choose a step, ← and → move "
    "on; in the sequence and the structure arrows move along the chain."
)


def inspect(traces: Trace | Iterable[Trace]) -> Inspector:
    """Show traced chains in linked views: click any residue, and all of them follow.

    Parameters
    ----------
    traces : Trace or sequence of Trace
        All of one encoder. One is shown alone. Two are shown side by side, linked by residue
        number or by alignment. Of more, a menu chooses which one is shown; all are on the map.

    Returns
    -------
    Inspector

    Raises
    ------
    TraceError
        If something else than traces is given. What can be wrong with traces themselves (other
        encoders, no encoder, no backbone frames) is said in the widget.
    """
    given = traces if isinstance(traces, Iterable) else [traces]
    return Inspector([check_trace(trace, "inspect") for trace in given])


class Inspector(Selection, Whole):
    """Linked views of traced chains; made by `inspect`.

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
    step : int
        Which step of the encoder is shown, from 0.
    color : str
        ``"this step"``, or a key of `esm_explore.analysis.annotations.KEYS`, or ``"chain"``.
    arrangement : {"PCA", "UMAP"}
        How the map is laid out.

    See Also
    --------
    Selection.choose : sets the first three at once.
    """

    step = Int(0)
    color = Unicode(BY_STEP)
    arrangement = Unicode("PCA")

    def __init__(self, traces: list[Trace]):
        self._stages = traces[0].stages if traces else []
        self._panes: list[ChainPane] = []  # there are none if there is a problem
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
        self.observe(self._chosen, "choice")
        framed = np.flatnonzero(traces[0].has_frame)
        self.selected = int(framed[len(framed) // 2])

    def __repr__(self) -> str:
        titles = "; ".join(trace.title for trace in self.traces)
        encoder = self.traces[0].encoder_info.title if self.traces else "none"
        return f"Inspector of {titles or 'nothing'}\nEncoder: {encoder}"

    def _build(self) -> None:
        stage = self._stages[0]
        chains = (0, 1) if len(self.traces) == 2 else (None,)
        self._panes = [ChainPane(self, stage, chain) for chain in chains]
        for pane in self._panes:
            pane.listen(self._code_clicked)
        self._map = MapPanel(self, self._message.say)
        self._bar = StepBar(self._stages)
        self._controls = Controls(self.traces)
        self._controls.residue.observe(self._typed, "value")
        self._legend, self._summary = widgets.HTML(), widgets.HTML()
        for name, widget in (
            ("step", self._bar),
            ("color", self._controls.color),
            ("arrangement", self._controls.arrangement),
            ("chain", self._controls.chain),
            ("linked_by", self._controls.link),
        ):
            widgets.link((self, name), (widget, "value"))

    def _lay_out(self) -> None:
        self.children = [
            Keys(self._bar.press),
            widgets.HTML(heading(self.traces) + badge(self.traces)),
            widgets.HTML(f'<span class="esm-explore-hint">{for_html(_HINT)}</span>'),
            self._bar,
            self._controls,
            self._message,
            widgets.HBox([self._map.figure, *(pane.structure for pane in self._panes)]),
            self._legend,
            *(pane.sequence for pane in self._panes),
            self._summary,
            widgets.HBox([pane.panel for pane in self._panes]),
        ]

    # What the reader does

    def _typed(self, change: dict) -> None:
        text = change["new"].strip()
        if not text:
            return
        try:
            self.select(*find_residue(self.traces, self.chain, text))
        except EsmExploreError as error:
            self._message.say(str(error))

    def _code_clicked(self, chain: int, code: int) -> None:
        trace = self.traces[chain]
        same = np.flatnonzero((trace.tokens == code) & trace.has_frame)
        self.select_many(chain, same)
        if not len(same):
            self._message.say(f"No residue of {trace.title} has code {code} as its token.")

    # What follows

    @validate("step", "color", "arrangement")
    def _is_known(self, proposal: dict) -> int | str:
        name, value = proposal["trait"].name, proposal["value"]
        steps, colors = range(len(self._stages)), color_keys(self.traces)
        check_is_one_of(name, value, {"step": steps, "color": colors}.get(name, LAYOUTS))
        return value

    def _chosen(self, _change: dict) -> None:
        self._message.say("")
        # A residue can be typed again.
        self._controls.residue.value = ""
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

    def _paint(self) -> None:
        if self.color == BY_STEP:
            hexes, legend = color_by_stage(self.traces, self._stages[self.step]), []
            said = "Alike at this step, alike in color"
        else:
            hexes, legend = color_together(self.traces, self.color)
            said = f"Colored by {self.color.replace('_', ' ')}"
        for view in (*self._panes, self._map):
            view.paint(hexes)
        if not all(trace.has_frame.all() for trace in self.traces):
            legend = [*legend, (FRAMELESS, "no backbone frame")]
        self._legend.value = f'{said}<span style="margin-left: 1em">{legend_html(legend)}</span>'
