"""The sequence: a chain's residues as letters on their colors, to click and to drag over."""

from __future__ import annotations

import anywidget
from traitlets import Bytes, Int, List, Unicode

from esm_explore.escaping import for_reading
from esm_explore.plots.picture import hover_of
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.page import FOLDER


class SequenceView(anywidget.AnyWidget):
    """A chain as text, in rows as long as there is room for.

    Attributes
    ----------
    letters : str
        One letter a residue; ``|`` between two chains of a complex, each in rows of its own.
    labels, hover : list of str
        Each residue's number, and what hovering says.
    colors : bytes
        Red, green and blue of each residue.
    selected, hovered : int
        Index of a residue, -1 for none. Clicking, arrow keys, Home and End select.
    selection : list of int
        Many residues: dragging sets it, and arrow keys with Shift.
    caption : str
        The chain, which stands before it.
    """

    _esm = FOLDER / "sequence_view.js"
    _css = FOLDER / "sequence_view.css"
    letters = Unicode().tag(sync=True)
    labels = List(Unicode()).tag(sync=True)
    hover = List(Unicode()).tag(sync=True)
    colors = Bytes().tag(sync=True)
    selected = Int(-1).tag(sync=True)
    hovered = Int(-1).tag(sync=True)
    selection = List(Int()).tag(sync=True)
    caption = Unicode().tag(sync=True)

    def show(self, trace: Trace, colors: bytes) -> None:
        """Show a chain in some colors, shape=(L, 3) as bytes."""
        with self.hold_sync():
            self.labels = [for_reading(label) for label in trace.labels]
            self.hover = hover_of(trace)
            self.colors = colors
            self.caption = for_reading(trace.title)
            self.letters = trace.chain.sequence
