"""What a reader does in an inspector: its buttons, its keys, and what is typed to be found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from esm_explore.analysis.finding import find_residues
from esm_explore.errors import EsmExploreError
from esm_explore.widgets.controls import Controls, StepBar
from esm_explore.widgets.history import History
from esm_explore.widgets.selection import Selection

HELP = (
    "Click a residue anywhere (map, structure, sequence, bars, heat map, table) and everything "
    "follows. Drag over the sequence or lasso on the map for many. Keys: 1 to 9 choose a step, "
    "← and → move on; in the sequence and the structure arrows move along the chain; Esc clears. "
    "Find takes 185, K185, B:185, 50-60, token 1234, motifs such as GxGxxG, strand, margin < 0.1. "
    "Tabs over the answer: the step, what the code means, why it is this one. "
    "Pin keeps a residue, and the next one is compared with it. Click the structure before the "
    "wheel zooms it."
)


class Acts:
    """The rows of controls, which write what the reader does into a selection.

    Parameters
    ----------
    selection : Selection
    say : callable
        Called with what the reader should know; "" takes it away.

    Attributes
    ----------
    bar : StepBar
    controls : Controls
    """

    def __init__(self, selection: Selection, say: Callable[[str], None]):
        self._selection, self._say = selection, say
        self.bar = StepBar(selection.traces[0].stages)
        self.controls = Controls(selection.traces, self.pressed)
        selection.observe(self._chosen, "choice")

    def begin(self) -> None:
        """Remember from here on what was chosen."""
        self._history = History(self._selection)
        self._selection.observe(self._enable, ["choice", "pinned"])
        self._enable()

    def pressed(self, name: str, text: str = "") -> None:
        """Obey a button, or what was typed into the box `name`."""
        now = self._selection
        self._say("")
        match name:
            case "find":
                self._find(text)
            case "past" | "next":
                self._history.move(-1 if name == "past" else 1)
            case "clear":
                now.choose(now.chain)
            case "pin":
                free = now.pinned[1] < 0 <= now.selected
                now.pinned = (now.chain, now.selected) if free else (0, -1)
            case "help":
                self._say(HELP)

    def key(self, key: str) -> None:
        """Obey a key, as `Frame` tells of them."""
        if key == "Escape":
            self.pressed("clear")
        else:
            self.bar.press(key)

    def code_clicked(self, chain: int, code: int) -> None:
        """Choose all residues of a chain that have a code."""
        trace = self._selection.traces[chain]
        same = np.flatnonzero((trace.tokens == code) & trace.has_frame)
        self._selection.select_many(chain, same)
        if not len(same):
            self._say(f"No residue of {trace.title} has code {code} as its token.")

    def _find(self, text: str) -> None:
        if not text.strip():
            return
        now = self._selection
        try:
            found = find_residues(now.traces, text, now.chain)
        except EsmExploreError as error:
            self._say(str(error))
            return
        if len(found.residues) == 1:
            now.select(found.chain, found.residues[0])
        else:
            now.select_many(found.chain, found.residues)
            self._say(found.said)
        # It stays in the box until something else is chosen.
        self.controls.put("find", text)

    def _chosen(self, _change: dict) -> None:
        self._say("")
        self.controls.put("find", "")

    def _enable(self, _change: dict | None = None) -> None:
        """Let buttons that can do nothing be gray."""
        now = self._selection
        can = {
            "past": self._history.has_past,
            "next": self._history.has_next,
            "clear": now.selected >= 0 or bool(now.selection),
            "pin": now.selected >= 0 or now.pinned[1] >= 0,
        }
        self.controls.disabled = [name for name, able in can.items() if not able]
        self.controls.put("pin", now.pinned[1] >= 0)
