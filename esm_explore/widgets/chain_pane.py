"""One chain in the inspector: its structure, its strip, and the selected residue's internals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Attention, Neighbors, RelativePosition, Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.messages import close_below
from esm_explore.widgets.residue_panel import ResiduePanel
from esm_explore.widgets.sequence_view import SequenceStrip
from esm_explore.widgets.structure_view import StructureView, color_bytes

_LINKED = ("selected", "selection", "hovered")


class ChainPane:
    """The widgets of one chain, kept in step with one another.

    Parameters
    ----------
    trace : Trace
    on_change : callable
        Called with ``"selected"``, ``"selection"`` or ``"hovered"`` and the new value when the
        reader changes one in any of the widgets.
    on_code : callable
        Called with a code that is clicked.

    Attributes
    ----------
    structure : StructureView
    strip : SequenceStrip
    panel : ResiduePanel
    trace : Trace
    """

    def __init__(
        self,
        trace: Trace,
        on_change: Callable[[str, int | list[int]], None],
        on_code: Callable[[int], None],
    ):
        self.trace = trace
        self._on_change = on_change
        self._opened: tuple[int, Neighborhood] | None = None
        # While Python sets the widgets, what they report is not the reader's doing.
        self._setting = False
        self.structure = StructureView.of(trace)
        self.structure.layout.flex, self.structure.layout.min_width = "1 1 0", "0"
        self.strip = SequenceStrip()
        self.strip.show(trace, self.structure.colors)
        self.panel = ResiduePanel(
            on_residue=lambda index: on_change("selected", index),
            on_code=on_code,
            on_redraw=self._draw_lines,
            n_heads=trace.encoder_info.v_heads,
        )
        for widget in (self.structure, self.strip):
            widget.observe(self._changed, list(_LINKED))

    def show_chain(self, trace: Trace) -> None:
        """Show another chain."""
        self.trace, self._opened = trace, None
        fresh = StructureView.of(trace)
        with self._set(), self.structure.hold_sync():
            for name in ("structure", "colors", "labels", "caption"):
                setattr(self.structure, name, getattr(fresh, name))
            self.structure.lines, self.structure.frames = [], []
            self.structure.selected, self.structure.selection = -1, []
        close_below(fresh)
        fresh.close()
        with self._set():
            self.strip.show(trace, self.structure.colors)

    def paint(self, hexes: list[str]) -> None:
        """Give the residues colors."""
        self.structure.colors = self.strip.colors = color_bytes(hexes)

    def mark(self, selected: int, selection: list[int]) -> None:
        """Mark the selected residue, and many."""
        for widget in (self.structure, self.strip):
            with self._set(), widget.hold_sync():
                widget.selected, widget.selection = selected, selection

    def hover(self, index: int) -> None:
        """Mark the residue under the mouse."""
        with self._set():
            self.structure.hovered = self.strip.hovered = index

    def open(self, index: int, step: Stage) -> None:
        """Show a residue's internals at a step."""
        if self._opened is None or self._opened[0] != index:
            self._opened = index, self.trace.neighborhood(index)
        self.panel.show(self.trace, self._opened[1], step)
        self._draw_lines()

    def say(self, text: str) -> None:
        """Show a sentence where there is no residue to show."""
        self.panel.say(text)
        self.structure.lines, self.structure.frames = [], []

    def _draw_lines(self) -> None:
        """Join the selected residue with its nodes, as thick as it attends to them."""
        _, opened, step = self.panel.shown
        nodes = opened.edges.tolist()
        weights = self.panel.attention_of_query()
        if weights is None:
            star = isinstance(step, Neighbors | RelativePosition)
            weights = np.full(len(nodes), 0.3 if star else 0.0)
        else:
            weights = weights / max(float(weights[1:].max(initial=0)), 1e-9)
        self.structure.lines = [
            [nodes[0], node, float(min(weight, 1))]
            for node, weight, framed in zip(nodes, weights, opened.has_frame, strict=True)
            if node != nodes[0] and framed and weight > 0
        ]
        framed = opened.edges[opened.has_frame].tolist()
        self.structure.frames = framed if isinstance(step, Neighbors | Attention) else []

    @contextmanager
    def _set(self) -> Iterator[None]:
        self._setting = True
        try:
            yield
        finally:
            self._setting = False

    def _changed(self, change: dict) -> None:
        if not self._setting:
            self._on_change(change["name"], change["new"])
