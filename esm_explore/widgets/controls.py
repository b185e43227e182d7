"""The inspector's rows of controls: its steps, and what is shown, found and chosen."""

from __future__ import annotations

from collections.abc import Callable

from traitlets import HasTraits

from esm_explore.analysis.annotations import KEYS
from esm_explore.experiments.comparing import LINKS
from esm_explore.tracing.stages import Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.map_panel import LAYOUTS
from esm_explore.widgets.tools import Tools, option

BY_STEP = "this step"


def color_keys(traces: list[Trace]) -> list[str]:
    """List what residues can be colored by."""
    several = len(traces) > 1 or any(trace.parts for trace in traces)
    return [BY_STEP, *KEYS, *(["chain"] if several else [])]


class StepBar(Tools):
    """Chooses a step; its value is the step's number, from 0.

    Parameters
    ----------
    stages : list of Stage
    """

    def __init__(self, stages: list[Stage]):
        self._last = len(stages) - 1
        options = [
            option(i, f"{i + 1} {stage.title}", f"{i + 1} {stage.short}", stage.explanation)
            for i, stage in enumerate(stages)
        ]
        items = [
            _button("back", "one step back", "left arrow", "◀"),
            {**_button("play", "play the steps", "or pause", "▶"), "of": "step"},
            _button("forward", "one step forward", "right arrow", "▶▏"),
            {"kind": "choice", "name": "step", "text": "step", "options": options},
        ]
        super().__init__("Steps of the encoder", items, self._pressed)

    def move(self, by: int) -> None:
        """Go forward or back; it stops at either end."""
        self.put("step", min(max(self.values["step"] + by, 0), self._last))

    def press(self, key: str) -> None:
        """Obey a key: a number from 1, or a left or right arrow."""
        if key in ("ArrowLeft", "ArrowRight"):
            self.move(-1 if key == "ArrowLeft" else 1)
        elif key.isdigit() and int(key) <= self._last + 1:
            self.put("step", int(key) - 1)

    def _pressed(self, name: str) -> None:
        self.move(-1 if name == "back" else 1)


class Controls(Tools):
    """What is shown, found and chosen.

    Parameters
    ----------
    traces : list of Trace
    on_press : callable
        As `Tools` has it; the names are back, forward, clear, pin, help and find.
    """

    def __init__(self, traces: list[Trace], on_press: Callable[..., None]):
        label = traces[0].labels[0]
        items = [
            _menu("color", "color", "What residues are colored by", _named(color_keys(traces))),
            _menu("arrangement", "map", "How the map is laid out", _named(LAYOUTS)),
            {
                "kind": "box",
                "name": "find",
                "text": "find",
                "hint": "A residue, a range, a token, a motif, a structure, or a comparison",
                "example": f"{label}, 50-60, GxG, strand …",
            },
            _button("past", "back to what was chosen before", "", "↶"),
            _button("next", "forward to what was chosen after", "", "↷"),
            _button("clear", "clear", "Choose nothing (Esc)"),
            _button(
                "pin", "pin", "Keep this residue; the next one that is chosen is compared with it"
            ),
        ]
        # A title would not fit into a menu.
        titles = [trace.short_title for trace in traces]
        if len(set(titles)) < len(titles):
            titles = [trace.title for trace in traces]
        if len(traces) > 1:
            chains = [option(i, title) for i, title in enumerate(titles)]
            items.append(_menu("chain", "chain", "Which chain is chosen in", chains))
        if len(traces) == 2:
            items.append(_menu("linked_by", "linked by", "Which residues belong together",
                               _named(LINKS)))  # fmt: skip
        items += [
            {**_button("full", "full window", "The whole window, and back", "⤢"),
             "page": "esm-explore-full"},
            _button("help", "help", "What can be done here", "?"),
        ]  # fmt: skip
        super().__init__("What is shown and chosen", items, on_press)


def follow(owner: HasTraits, tools: Tools, *names: str) -> None:
    """Keep traits and the values of controls of the same names equal, both ways."""

    def from_page(change: dict) -> None:
        for name in names:
            if change["new"].get(name) != getattr(owner, name):
                setattr(owner, name, change["new"][name])

    for name in names:
        tools.put(name, getattr(owner, name))
    owner.observe(lambda change: tools.put(change["name"], change["new"]), names)
    tools.observe(from_page, "values")


def _button(name: str, text: str, hint: str, icon: str = "") -> dict:
    said = f"{text} ({hint})" if icon and hint else hint or text
    return {"kind": "button", "name": name, "text": text, "hint": said, "icon": icon}


def _menu(name: str, text: str, hint: str, options: list[dict]) -> dict:
    return {"kind": "menu", "name": name, "text": text, "hint": hint, "options": options}


def _named(values: list[str] | tuple[str, ...]) -> list[dict]:
    return [option(value, value.replace("_", " ")) for value in values]
