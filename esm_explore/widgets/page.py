"""What views have in common in the page: scripts, keys, and the sign that the kernel is busy."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from ipywidgets import widget_serialization
from traitlets import Bytes, Instance, Unicode

from esm_explore.escaping import for_reading

FOLDER = Path(__file__).parent


def module(*names: str) -> str:
    """Give a view's scripts, after what all views share, as one ES module."""
    return "".join((FOLDER / part).read_text("utf-8") for part in ("page.js", *names))


class Script(anywidget.AnyWidget):
    """A library on its way to the page: one model a kernel, never shown, named by each view.

    Attributes
    ----------
    name : str
        Which one.
    source : bytes
        Gzipped; empty where the installation lacks it.
    """

    _esm = module("script.js")
    name = Unicode().tag(sync=True)
    source = Bytes().tag(sync=True)
    ready: dict[str, Script] = {}  # noqa: RUF012  by the library's name

    @classmethod
    def of(cls, name: str, read: Callable[[], bytes]) -> Script:
        """Give the kernel's only one; `read` gives the library's text when it is first needed."""
        found = cls.ready.get(name)
        if found is None or found.comm is None:
            text = read()
            # Packing it better takes longer than sending the rest.
            found = cls(name=name, source=gzip.compress(text, 1, mtime=0) if text else b"")
            cls.ready[name] = found
        return found


class PageView(anywidget.AnyWidget):
    """A view that answers when the page asks whether the kernel is there.

    The page asks after each action, and the answer comes when all that follows is done. What the
    view is drawn with is its ``_script``.
    """

    _script = Instance(Script, allow_none=True).tag(sync=True, **widget_serialization)

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        self.on_msg(lambda _widget, content, _buffers: self.received(content))

    def received(self, content: dict) -> None:
        """Obey a message from the page."""
        if content.get("kind") == "asked":
            self.send(content)


class Frame(PageView):
    """What an inspector does as a whole: an invisible widget in it.

    In the page it finds the element of class ``esm-explore-inspector`` around it, makes that as
    high as what the notebook shows at once, fills the window with it and back, listens to its
    keys, and says when the kernel does not answer.

    Parameters
    ----------
    label : str
        What the inspector is, for screen readers.
    on_key : callable
        Called with ``"1"`` to ``"9"``, ``"ArrowLeft"``, ``"ArrowRight"`` or ``"Escape"``.
    """

    _esm = module("frame.js")
    _css = FOLDER / "inspector.css"
    label = Unicode().tag(sync=True)

    def __init__(self, label: str, on_key: Callable[[str], None]):
        super().__init__(label=for_reading(label))
        self._on_key = on_key

    def received(self, content: dict) -> None:
        """Obey a key too."""
        super().received(content)
        if content.get("kind") == "key":
            self._on_key(content["key"])
