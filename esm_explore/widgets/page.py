"""Keys for a whole inspector, and the message that its kernel is busy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anywidget

_FOLDER = Path(__file__).parent


class Pulse(anywidget.AnyWidget):
    """An invisible widget that listens for its inspector.

    In the page it watches the nearest element of class ``esm-explore-inspector``. After each
    click or key there it asks the kernel for a sign of life, and says so when none comes in time:
    callbacks wait until the running cell is done.

    Parameters
    ----------
    on_key : callable
        Called with ``"1"`` to ``"9"``, ``"ArrowLeft"`` or ``"ArrowRight"``.
    """

    _esm = _FOLDER / "page.js"
    _css = _FOLDER / "inspector.css"

    def __init__(self, on_key: Callable[[str], None]):
        super().__init__()
        self._on_key = on_key
        self.on_msg(self._received)

    def _received(self, _widget, content: dict, _buffers) -> None:
        if content.get("kind") == "ping":
            self.send({"kind": "pong", "number": content["number"]})
        elif content.get("kind") == "key":
            self._on_key(content["key"])
