"""A row of controls in the page: buttons, choices, menus, and boxes to type in."""

from __future__ import annotations

from collections.abc import Callable

from traitlets import Dict, List, Unicode

from esm_explore.escaping import for_reading
from esm_explore.widgets.page import FOLDER, PageView, module


class Tools(PageView):
    """A toolbar with names for screen readers, which wraps where the page is narrow.

    Parameters
    ----------
    label : str
        What the row is for.
    items : list of dict
        Each has a ``kind``, a ``name``, a ``text`` and a ``hint``, which is shown on hovering:
        ``"choice"`` (one of some buttons), ``"tabs"`` (the same, over a panel that they name) and
        ``"menu"`` have ``options``, dictionaries of value, text, ``short`` (for narrow pages) and
        hint; ``"box"`` has an ``example``; ``"button"`` with ``of`` plays through the choice of
        that name; with ``page`` it is obeyed in the page.
    on_press : callable, optional
        Called with the name of a button, or of a box and what was typed.

    Attributes
    ----------
    values : dict
        What is chosen, by name; a box has the text that it shows. Also what a button that stays
        down is (True or False).
    disabled : list of str
        Names of the buttons that can do nothing now.
    """

    _esm = module("tools.js")
    _css = FOLDER / "tools.css"
    label = Unicode().tag(sync=True)
    items = List(Dict()).tag(sync=True)
    values = Dict().tag(sync=True)
    disabled = List(Unicode()).tag(sync=True)

    def __init__(
        self, label: str, items: list[dict], on_press: Callable[..., None] = lambda *_: None
    ):
        self._on_press = on_press
        values = {item["name"]: item["options"][0]["value"] for item in items if "options" in item}
        super().__init__(label=label, items=items, values=values)

    def put(self, name: str, value: object) -> None:
        """Show a value of a choice, a menu, a box or a button that stays down."""
        self.values = {**self.values, name: value}

    def received(self, content: dict) -> None:
        """Tell of a button or of what was typed."""
        super().received(content)
        if content.get("kind") == "pressed":
            self._on_press(content["name"])
        elif content.get("kind") == "typed":
            self._on_press(content["name"], content["text"])


def option(value: object, text: str, short: str = "", hint: str = "") -> dict:
    """Describe one option of a choice or a menu."""
    text = for_reading(text)
    return {"value": value, "text": text, "short": short or text, "hint": hint}
