"""One chain in the inspector: its structure, its sequence, and the chosen residue's internals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from esm_explore.errors import EsmExploreError
from esm_explore.escaping import for_reading
from esm_explore.experiments.comparing import superposed_on
from esm_explore.experiments.pairing import ResiduePair, compare_residues
from esm_explore.palette import CATEGORIES
from esm_explore.plots.residue_colors import ResidueColors
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Attention, Stage
from esm_explore.widgets.ghosts import joined, shown_at
from esm_explore.widgets.residue_panel import ResiduePanel
from esm_explore.widgets.selection import Selection
from esm_explore.widgets.sequence_view import SequenceView
from esm_explore.widgets.stage_lines import Space, drawn_around
from esm_explore.widgets.structure_view import StructureView, color_bytes

GHOST = CATEGORIES[2]


class ChainPane:
    """The views of one chain: they show what a selection says.

    Parameters
    ----------
    selection : Selection
    stage : Stage
        What is shown first.
    chain : int, optional
        Number of the trace; by default the one that the selection is about.
    zoomed : bool
        Whether the camera goes to the residue's neighborhood from the start. Otherwise it does
        from the first step with attention on, or when the reader asks for it.

    Attributes
    ----------
    structure : StructureView
    sequence : SequenceView
    panel : ResiduePanel
    trace : Trace
        What is shown now.
    coords : ndarray, shape=(L, 37, 3), or None
        Where it is shown, in Å, if that is not where it is.
    """

    def __init__(
        self, selection: Selection, stage: Stage, chain: int | None = None, *, zoomed: bool = False
    ):
        self._selection, self._stage, self._fixed = selection, stage, chain
        self._zoomed = zoomed
        self.trace = selection.traces[self.chain]
        self._opened: Neighborhood | None = None
        self._colors: list[bytes] = []
        self._legend: list[Any] = []
        self._said: list[Any] = []
        self._focus: list[Any] = []
        self._place()
        self.structure = StructureView.of(self.trace, coords=self.coords)
        self.structure.group = self._group
        self.structure.height, self.structure.layout.min_width = 0, "0"
        self.sequence = SequenceView()
        self.sequence.show(self.trace, self.structure.colors)
        self.panel = ResiduePanel(self.trace.encoder_info.v_heads, self._draw_lines)
        self.structure.observe(self._zoom, "focus")
        selection.observe(self._follow, ["choice", "pinned"])
        selection.observe(self._link, "linked_by")
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
        # What attention does is too small to be seen from afar.
        self._zoomed |= isinstance(stage, Attention)
        self._stage = stage
        self._open()

    def paint(self, colored: ResidueColors) -> None:
        """Give the residues of all chains colors: the menu can show another one later."""
        self._colors = [color_bytes(part) for part in colored.hexes]
        self._legend = [[color, for_reading(text)] for color, text in colored.legend]
        self.structure.legend, self.structure.bar = [*self._legend, *self._said], colored.bar
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

    def _zoom(self, change: dict) -> None:
        """Remember what the view's own button says."""
        if change["new"] != self._focus:
            self._zoomed = bool(change["new"])

    @property
    def _hovered(self) -> int:
        chain, residue = self._selection.hovered
        return residue if chain == self.chain else -1

    def _hover(self, _change: dict) -> None:
        self.structure.hovered = self.sequence.hovered = self.panel.table.hovered = self._hovered

    def _place(self) -> None:
        """Find out where the second of two chains lies on the first."""
        self.coords, self._group = None, ""
        if self._fixed is None:
            return
        first, second = self._selection.traces
        coords = superposed_on(first, second, self._selection.linked_by)
        if coords is not None:
            # One camera for both.
            self._group = f"inspector {id(self._selection)}"
            self.coords = coords if self._fixed else None

    def _link(self, _change: dict) -> None:
        self._place()
        with self.structure.hold_sync():
            self.structure.show(self.trace, self.structure.colors, self.coords)
            self.structure.group = self._group
        self._follow()

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
            self.panel.table.selected = self._selection.partner(self.chain)[0]

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
                self._tell(residue)
                self._draw_lines()
            except EsmExploreError as error:
                self._say(str(error))

    def _tell(self, residue: int) -> None:
        chain, pinned = self._selection.pinned
        if pinned < 0 or (chain, pinned) == (self.chain, residue):
            self.structure.ghost = []
            self.panel.show(self._stage, self.trace, self._opened)
            return
        pair = compare_residues(self.trace, residue, self._selection.traces[chain], pinned)
        self.panel.show_pair(pair, self.trace.stages)
        self.structure.ghost = self._ghost(pair)

    def _ghost(self, pair: ResiduePair) -> list[dict]:
        """Draw the pinned residue's nodes where they lie on this one's, joined along the chain."""
        return shown_at(self.trace, self.coords, joined(pair.moved, pair.nodes, GHOST))

    def _say(self, text: str) -> None:
        self.panel.say(text)
        view = self.structure
        self._focus = []
        view.lines, view.frames, view.ghost, view.near, view.focus = [], [], [], [], []

    def _draw_lines(self) -> None:
        """Join the residue that is shown with its nodes, and let the camera see them."""
        self._put_in_space(drawn_around(self._stage, self._opened, self.panel.chosen_head))

    def _put_in_space(self, space: Space) -> None:
        with self.structure.hold_sync():
            self.structure.lines, self.structure.frames = space.lines, space.frames
            self._said = space.said
            self.structure.legend = [*self._legend, *self._said]
            self.structure.near = space.near
            self._focus = space.near if self._zoomed else []
            self.structure.focus = self._focus
