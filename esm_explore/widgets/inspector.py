"""The inspector: a map, the structure in 3D and the encoder's internals, with one selection."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as widgets
import numpy as np
from traitlets import Int, List, Unicode, observe, validate

from esm_explore.errors import EsmExploreError, TraceError
from esm_explore.experiments.comparing import match_residues
from esm_explore.palette import FRAMELESS
from esm_explore.plots.picture import hover_of
from esm_explore.plots.residue_colors import color_by_step, color_together
from esm_explore.tracing.stages import Neighbors
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.chain_pane import ChainPane
from esm_explore.widgets.controls import BY_STEP, Controls, StepBar, find_residue
from esm_explore.widgets.map_panel import MapPanel, place_residues
from esm_explore.widgets.messages import (
    badge,
    close_below,
    find_problem,
    heading,
    legend_html,
    say,
    show_message,
)
from esm_explore.widgets.page import Pulse
from esm_explore.widgets.stage_sentences import summarize

_HINT = (
    "Click a residue anywhere (map, structure, sequence, bars, heat map) and everything follows. "
    "Drag over the sequence or lasso on the map for many. Keys 1 to 9 choose a step, ← and → move "
    "on; in the sequence and the structure arrows move along the chain."
)


def inspect(traces: Trace | Sequence[Trace]) -> Inspector:
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
    return Inspector(traces)


class Inspector(widgets.VBox):
    """Linked views of traced chains; made by `inspect`.

    Attributes
    ----------
    chain : int
        Which of the traces `selected` and `selection` are about.
    selected : int
        Index of the selected residue in that chain, -1 for none. Can be set and observed.
    selection : list of int
        Indices of many residues. Can be set and observed.
    step : int
        Which step of the encoder is shown, from 0.
    color : str
        ``"this step"``, or a key of `esm_explore.analysis.annotations.KEYS`, or ``"chain"``.
    arrangement : {"PCA", "UMAP"}
        How the map is laid out.
    """

    chain = Int(0)
    selected = Int(-1)
    selection = List(Int())
    step = Int(0)
    color = Unicode(BY_STEP)
    arrangement = Unicode("PCA")

    def __init__(self, traces: Trace | Sequence[Trace]):
        self.traces = [traces] if isinstance(traces, Trace) else list(traces)
        if not all(isinstance(trace, Trace) for trace in self.traces):
            raise TraceError(
                "inspect takes a Trace, or several; ex.trace(encoder, chain) makes one."
            )
        self._panes: list[ChainPane] = []
        self._ready = False
        self._message = show_message()
        super().__init__()
        self.add_class("esm-explore-inspector")
        problem = find_problem(self.traces)
        if problem:
            self._say(problem)
            self.children = [self._message]
            return
        self._steps = self.traces[0].stages
        self._build()
        self._ready = True
        self._place()
        self._paint()
        self._map.draw()
        framed = np.flatnonzero(self.traces[0].has_frame)
        self.selected = int(framed[len(framed) // 2])

    def __repr__(self) -> str:
        titles = "; ".join(trace.title for trace in self.traces)
        encoder = self.traces[0].encoder_info.title if self.traces else "none"
        return f"Inspector of {titles or 'nothing'}\nEncoder: {encoder}"

    # What it is made of

    def _build(self) -> None:
        side_by_side = len(self.traces) == 2
        shown = self.traces if side_by_side else self.traces[:1]
        self._panes = [self._pane(i, trace) for i, trace in enumerate(shown)]
        self._rows = _rows(self.traces)
        self._hover = [
            f"{trace.chain.id} {trace.chain.chain_id} {text}"
            for trace in self.traces
            for text in _framed(trace, hover_of(trace))
        ]
        self._placed: dict[tuple[int, bool], np.ndarray] = {}
        self._map = MapPanel(len(self._hover), self._picked, self._hovered, self._lassoed)
        self._bar = StepBar(self._steps)
        self._pulse = Pulse(self._bar.press)
        self._controls = Controls(self.traces, side_by_side=side_by_side)
        self._controls.residue.observe(self._typed, "value")
        self._controls.link.observe(lambda _: self._mark(), "value")
        for name, widget in (
            ("step", self._bar),
            ("color", self._controls.color),
            ("arrangement", self._controls.arrangement),
            ("chain", self._controls.chain),
        ):
            widgets.link((self, name), (widget, "value"))
        self._legend, self._summary = widgets.HTML(), widgets.HTML()
        hint = widgets.HTML(f'<span class="esm-explore-hint">{escape(_HINT)}</span>')
        self._map.figure.layout.flex, self._map.figure.layout.min_width = "1 1 0", "0"
        self.children = [
            self._pulse,
            widgets.HTML(heading(self.traces) + badge(self.traces)),
            hint,
            self._bar,
            self._controls,
            self._message,
            widgets.HBox([self._map.figure, *(pane.structure for pane in self._panes)]),
            self._legend,
            *(pane.strip for pane in self._panes),
            self._summary,
            widgets.HBox([pane.panel for pane in self._panes]),
        ]

    def _pane(self, number: int, trace: Trace) -> ChainPane:
        def changed(name: str, value: int | list[int]) -> None:
            if not self._ready:
                return
            if name == "hovered":
                self._hover_everywhere(self._chain_of(number), value)
            else:
                self._choose(self._chain_of(number), name, value)

        return ChainPane(trace, changed, lambda code: self._code_clicked(number, code))

    def _chain_of(self, pane: int) -> int:
        """Say which trace a pane shows: its own side by side, else what the menu says."""
        return pane if len(self._panes) == 2 else self.chain

    # What the reader does

    def _choose(self, chain: int, name: str, value: int | list[int]) -> None:
        if chain != self.chain:
            with self.hold_trait_notifications():
                # The other chain's selection means nothing in this one.
                self.selected, self.selection = -1, []
                self.chain = chain
        setattr(self, name, value)

    def _picked(self, point: int) -> None:
        chain, index = self._rows[point]
        self._choose(int(chain), "selected", int(index))

    def _lassoed(self, points: list[int]) -> None:
        rows = self._rows[points]
        if not len(rows):
            self._choose(self.chain, "selection", [])
            return
        # Many residues are of one chain: the one that is shown, if any of its are there.
        chain = self.chain if (rows[:, 0] == self.chain).any() else int(rows[0, 0])
        self._choose(chain, "selection", rows[rows[:, 0] == chain, 1].tolist())

    def _hovered(self, point: int) -> None:
        chain, index = self._rows[point] if point >= 0 else (-1, -1)
        self._hover_everywhere(int(chain), int(index))

    def _hover_everywhere(self, chain: int, index: int) -> None:
        for number, pane in enumerate(self._panes):
            pane.hover(index if self._chain_of(number) == chain else -1)

    def _typed(self, change: dict) -> None:
        text = change["new"].strip()
        if not text:
            return
        try:
            chain, index = find_residue(self.traces, self.chain, text)
        except EsmExploreError as error:
            self._say(str(error))
            return
        self._choose(chain, "selected", index)

    def _code_clicked(self, pane: int, code: int) -> None:
        trace = self.traces[self._chain_of(pane)]
        same = np.flatnonzero((trace.tokens == code) & trace.has_frame).tolist()
        self._choose(self._chain_of(pane), "selection", same)
        if not same:
            self._say(f"No residue of {trace.title} has code {code} as its token.")

    # What follows

    @validate("selected")
    def _valid_selected(self, proposal: dict) -> int:
        value, length = proposal["value"], self._length
        if self._ready and not -1 <= value < length:
            raise TraceError(f"Residue index {value} is not there: it is 0 to {length - 1}, or -1.")
        return value

    @validate("selection")
    def _valid_selection(self, proposal: dict) -> list[int]:
        value, length = proposal["value"], self._length
        wrong = [index for index in value if self._ready and not 0 <= index < length]
        if wrong:
            raise TraceError(f"Residue index {wrong[0]} is not there: it is 0 to {length - 1}.")
        return sorted(set(value))

    @property
    def _length(self) -> int:
        return len(self.traces[self.chain]) if self.traces else 0

    @observe("chain")
    def _chain_changed(self, _change: dict) -> None:
        if self._ready and len(self._panes) == 1:
            trace = self.traces[self.chain]
            with self.hold_trait_notifications():
                self.selected, self.selection = -1, []
            self._ready = False
            self._panes[0].show_chain(trace)
            self._ready = True
            self._paint()
        self._mark()

    @observe("selected", "selection")
    def _selection_changed(self, _change: dict) -> None:
        if self._ready:
            self._say("")
        self._mark()

    @observe("step")
    def _step_changed(self, _change: dict) -> None:
        if self._ready:
            self._place()
            if self.color == BY_STEP:
                self._paint()
            self._map.draw()
            self._mark()

    @observe("arrangement")
    def _arrangement_changed(self, _change: dict) -> None:
        if self._ready:
            self._place()
            self._map.draw()
            self._mark()

    @observe("color")
    def _color_changed(self, _change: dict) -> None:
        if self._ready:
            self._paint()
            self._map.draw()

    def _place(self) -> None:
        step = self._steps[self.step]
        umap = self.arrangement == "UMAP" and not isinstance(step, Neighbors)
        key = self.step, umap
        if key not in self._placed:
            if umap:
                self._say("UMAP lays out the residues; the first time this takes half a minute.")
            try:
                points = place_residues(self.traces, step, "UMAP" if umap else "PCA")
            except EsmExploreError as error:
                self._say(str(error))
                return
            self._placed[key] = points
        points = self._placed[key]
        how = "the backbone in space" if isinstance(step, Neighbors) else "UMAP" if umap else "PCA"
        self._map.place(points, f"{self.step + 1} {step.title}: {how}; one point a residue")

    def _paint(self) -> None:
        if self.color == BY_STEP:
            hexes, legend = color_by_step(self.traces, self._steps[self.step]), []
            said = "Alike at this step, alike in color"
        else:
            hexes, legend = color_together(self.traces, self.color)
            said = f"Colored by {self.color.replace('_', ' ')}"
        for number, pane in enumerate(self._panes):
            pane.paint(hexes[self._chain_of(number)])
        framed = [
            color for t, part in zip(self.traces, hexes, strict=True) for color in _framed(t, part)
        ]
        self._map.paint(framed, self._hover)
        if not all(trace.has_frame.all() for trace in self.traces):
            legend = [*legend, (FRAMELESS, "no backbone frame")]
        self._legend.value = legend_html(said, legend)

    def _mark(self) -> None:
        if not self._ready:
            return
        partner = -1
        for number, pane in enumerate(self._panes):
            if self._chain_of(number) == self.chain:
                # The panel first: drawing in 3D is slow, and the page does one thing at a time.
                self._open(pane, self.selected)
                pane.mark(self.selected, self.selection)
            else:
                match = match_residues(
                    self.traces[self.chain], pane.trace, self._controls.link.value
                )
                partner = int(match[self.selected]) if self.selected >= 0 else -1
                chosen = match[self.selection]
                self._open(pane, partner)
                pane.mark(partner, chosen[chosen >= 0].tolist())
        other = 1 - self.chain if len(self._panes) == 2 else -1
        self._map.mark(
            self._point(self.chain, self.selected),
            self._point(other, partner),
            [p for p in (self._point(self.chain, i) for i in self.selection) if p >= 0],
        )
        self._summary.value = summarize(self.traces[self.chain], self.selection)

    def _open(self, pane: ChainPane, index: int) -> None:
        if index < 0:
            pane.say(
                "No residue is selected."
                if pane.trace is self.traces[self.chain]
                else "This chain has no counterpart of the selected residue."
            )
            return
        try:
            pane.open(index, self._steps[self.step])
        except EsmExploreError as error:
            pane.say(str(error))

    def _point(self, chain: int, index: int) -> int:
        found = np.flatnonzero((self._rows == (chain, index)).all(1))
        return int(found[0]) if len(found) else -1

    def _say(self, text: str) -> None:
        say(self._message, text)

    def close(self) -> None:
        """Take the inspector and all its parts off the page and out of the kernel."""
        close_below(self)
        super().close()


def _rows(traces: list[Trace]) -> np.ndarray:
    """Give chain and residue of each point of the map, shape=(N, 2)."""
    parts = [
        np.stack([np.full(t.has_frame.sum(), i), np.flatnonzero(t.has_frame)], axis=1)
        for i, t in enumerate(traces)
    ]
    return np.concatenate(parts)


def _framed(trace: Trace, values: list[str]) -> list[str]:
    return [value for value, framed in zip(values, trace.has_frame, strict=True) if framed]
