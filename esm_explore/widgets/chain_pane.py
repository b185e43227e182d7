"""One chain in the inspector: its structure, its sequence, and the chosen residue's internals."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

import numpy as np

from esm_explore.errors import EsmExploreError
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Attention, Neighbors, RelativePosition, Stage
from esm_explore.widgets.residue_panel import ResiduePanel
from esm_explore.widgets.selection import Selection
from esm_explore.widgets.sequence_view import SequenceView
from esm_explore.widgets.structure_view import StructureView, color_bytes


class ChainPane:
    """The views of one chain: they show what a selection says.

    Parameters
    ----------
    selection : Selection
    stage : Stage
        What is shown first.
    chain : int, optional
        Number of the trace; by default the one that the selection is about.

    Attributes
    ----------
    structure : StructureView
    sequence : SequenceView
    panel : ResiduePanel
    trace : Trace
        What is shown now.
    """

    def __init__(self, selection: Selection, stage: Stage, chain: int | None = None):
        self._selection, self._stage, self._fixed = selection, stage, chain
        self.trace = selection.traces[self.chain]
        self._opened: Neighborhood | None = None
        self._colors: list[bytes] = []
        self.structure = StructureView.of(self.trace)
        self.structure.layout.flex, self.structure.layout.min_width = "1 1 0", "0"
        self.sequence = SequenceView()
        self.sequence.show(self.trace, self.structure.colors)
        self.panel = ResiduePanel(self.trace.encoder_info.v_heads, self._draw_lines)
        selection.observe(self._follow, ["choice", "linked_by"])
        selection.observe(self._hover, "hovered")
        self._follow()

    @property
    def chain(self) -> int:
        """Number of the trace that belongs here."""
        return self._selection.chain if self._fixed is None else self._fixed

    def listen(self, on_code: Callable[[int, int], None]) -> None:
        """Write what the reader clicks, drags over and points at into the selection.

        Parameters
        ----------
        on_code : callable
            Called with the chain's number and a code that is clicked.
        """
        for widget in (self.structure, self.sequence):
            widget.observe(self._acted, ["selected", "selection", "hovered"])
        self.panel.on_residue = lambda residue: self._selection.select(self.chain, residue)
        self.panel.on_code = lambda code: on_code(self.chain, code)

    def show(self, stage: Stage) -> None:
        """Show a stage."""
        self._stage = stage
        self._open()

    def paint(self, hexes: list[list[str]]) -> None:
        """Give the residues of all chains colors: the menu can show another one later."""
        self._colors = [color_bytes(part) for part in hexes]
        self.structure.colors = self.sequence.colors = self._colors[self.chain]

    def _acted(self, change: dict) -> None:
        name, value = change["name"], change["new"]
        selected, selection = self._selection.partner(self.chain)
        # What the selection says already is no news.
        if name == "hovered" and value != self._hovered:
            self._selection.hovered = self.chain, value
        elif name == "selected" and value != selected:
            self._selection.select(self.chain, value)
        elif name == "selection" and value != selection:
            self._selection.select_many(self.chain, value)

    @property
    def _hovered(self) -> int:
        chain, residue = self._selection.hovered
        return residue if chain == self.chain else -1

    def _hover(self, _change: dict) -> None:
        self.structure.hovered = self.sequence.hovered = self._hovered

    def _follow(self, _change: dict | None = None) -> None:
        with self.structure.hold_sync(), self.sequence.hold_sync():
            if self.trace is not self._selection.traces[self.chain]:
                self.trace, self._opened = self._selection.traces[self.chain], None
                for view in (self.structure, self.sequence):
                    view.show(self.trace, self._colors[self.chain])
            # The panel first: drawing in 3D is slow, and the page does one thing at a time.
            self._open()
            for widget in (self.structure, self.sequence):
                widget.selected, widget.selection = self._selection.partner(self.chain)

    def _open(self) -> None:
        residue, _ = self._selection.partner(self.chain)
        if self._selection.selected < 0:
            self._say("No residue is selected.")
        elif residue < 0:
            self._say("This chain has no counterpart of the selected residue.")
        else:
            try:
                if self._opened is None or self._opened.edges[0] != residue:
                    self._opened = self.trace.neighborhood(residue)
                self.panel.show(self._stage, self.trace, self._opened)
                self._draw_lines()
            except EsmExploreError as error:
                self._say(str(error))

    def _say(self, text: str) -> None:
        self.panel.say(text)
        self.structure.lines, self.structure.frames = [], []

    def _draw_lines(self) -> None:
        """Join the residue that is shown with its nodes."""
        opened = self._opened
        nodes = opened.edges.tolist()
        weights, with_frames = drawn_in_space(self._stage, opened, self.panel.chosen_head)
        self.structure.lines = [
            [nodes[0], node, float(min(weight, 1))]
            for node, weight, framed in zip(nodes, weights, opened.has_frame, strict=True)
            if node != nodes[0] and framed and weight > 0
        ]
        self.structure.frames = opened.edges[opened.has_frame].tolist() if with_frames else []


@singledispatch
def drawn_in_space(stage: Stage, opened: Neighborhood, head: int | None) -> tuple[np.ndarray, bool]:
    """Say what a stage adds to the structure around a residue, and in a head (None: on average).

    Returns
    -------
    weights : ndarray, shape=(K,)
        Thickness of the line to each node, from 0 to 1.
    with_frames : bool
        Whether the nodes' backbone frames are drawn.
    """
    return np.zeros(len(opened)), False


@drawn_in_space.register
def _(stage: Neighbors, opened: Neighborhood, _head: object) -> tuple[np.ndarray, bool]:
    return np.full(len(opened), 0.3), True


@drawn_in_space.register
def _(stage: RelativePosition, opened: Neighborhood, _head: object) -> tuple[np.ndarray, bool]:
    return np.full(len(opened), 0.3), False


@drawn_in_space.register
def _(stage: Attention, opened: Neighborhood, head: int | None) -> tuple[np.ndarray, bool]:
    rows = opened.attention[stage.block, :, 0]
    weights = rows.mean(0) if head is None else rows[head]
    return weights / max(float(weights[1:].max(initial=0)), 1e-9), True
