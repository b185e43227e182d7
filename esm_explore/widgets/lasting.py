"""What outlives the kernel: beside a live view a notebook keeps a picture of it."""

from __future__ import annotations

import base64
import os
import sys
import threading
import time
from uuid import uuid4

import anywidget
import ipywidgets as widgets
from IPython import get_ipython
from IPython.display import display
from traitlets import All, Int, Unicode

from esm_explore.escaping import NO_FORMULAS
from esm_explore.widgets.page import FOLDER

_CLASS = "esm-explore-live"
# A notebook answers its widgets in another thread: it could draw before the first picture is out,
# and the older one would stay.
_ONE_PICTURE = threading.RLock()
# What comes and goes with the pointer is not worth a new picture.
_FLEETING = {"hovered", "comm"}
_AT_ONCE = 0.5  # s within which changes are one


class Mounter(anywidget.AnyWidget):
    """An invisible widget that puts a live view where its notebook has a place for it.

    A place is an empty ``<div>`` with a class of its own. Where there is no kernel, nothing looks
    for it, and nothing says that something was not found.

    Attributes
    ----------
    place : str
        The class.
    target : str
        The widget's model.
    changes : int
        Rises when the view looks another way. When all has come to rest the page says so.
    """

    _esm = FOLDER / "mount.js"
    place = Unicode().tag(sync=True)
    target = Unicode().tag(sync=True)
    changes = Int().tag(sync=True)


class Lasting:
    """Mixed into a widget, before its class: a notebook that is saved keeps its picture.

    Shown in a notebook it makes two outputs, the place of the live view and a picture. In the page
    the live view hides the picture. Without a kernel, in exported HTML and where there is no
    JavaScript the picture is what is seen. It is drawn anew when the view has come to rest.

    Colab and VS Code get one output with both, and choose.
    """

    _mounter: Mounter | None = None
    _picture = b""
    _told = 0.0

    def still(self) -> bytes:
        """Draw what is seen, as PNG; it names chain and encoder and says how to bring it to life.

        Returns
        -------
        bytes
        """
        raise NotImplementedError(f"{type(self).__name__} has no picture.")

    def close(self) -> None:
        """Take it off the page; pictures of it stay."""
        if self._mounter is not None:
            self._mounter.close()
            self._mounter = None
        super().close()

    def _ipython_display_(self) -> None:
        text = {"text/plain": repr(self)}
        shell = get_ipython()
        if not hasattr(shell, "kernel") or self.comm is None:
            # In a terminal, and when it was closed.
            print(repr(self))
        elif _chooses_itself(shell.user_ns):
            live = super()._repr_mimebundle_()
            data, metadata = live if isinstance(live, tuple) else (live, {})
            display({**data, **_image(self.still()), **text}, metadata=metadata, raw=True)
        else:
            self._show_both(text)

    def _show_both(self, text: dict[str, str]) -> None:
        if self._mounter is None:
            place = f"{_CLASS}-{uuid4().hex}"
            self._mounter = Mounter(place=place, target=self.model_id)
            self._mounter.on_msg(self._rested)
            self._watch(self)
        # The place first: the page is at work while the picture is drawn.
        place = f'<div class="{_CLASS} {self._mounter.place} {NO_FORMULAS}"></div>'
        with _ONE_PICTURE:
            display({"text/html": place, **text}, raw=True)
            self._picture = self.still()
            self._send_picture(update=False)

    def _send_picture(self, update: bool) -> None:
        said = f"Picture of {repr(self).splitlines()[0]}"
        data = {**_image(self._picture), "text/plain": said}
        display(data, raw=True, display_id=self._mounter.place, update=update)

    def _watch(self, widget: widgets.Widget) -> None:
        widget.observe(self._changed, All)
        for child in getattr(widget, "children", ()):
            self._watch(child)

    def _changed(self, change: dict) -> None:
        if change["name"] in _FLEETING or change["name"] not in change["owner"].keys:
            return
        now = time.monotonic()
        if self._mounter is not None and now - self._told > _AT_ONCE:
            self._told = now
            self._mounter.changes += 1

    def _rested(self, _widget: object, content: dict, _buffers: object) -> None:
        """Draw it anew: nobody clicks now."""
        if content.get("kind") != "rest":
            return
        self._told = 0.0
        with _ONE_PICTURE:
            if self._mounter is None:
                return
            picture = self.still()
            if picture == self._picture:
                return
            self._picture = picture
            if content.get("keeps"):
                self._mounter.send({"kind": "picture", "png": _base64(picture)})
            else:
                self._send_picture(update=True)


def _image(png: bytes) -> dict[str, str]:
    return {"image/png": _base64(png)}


def _base64(png: bytes) -> str:
    return base64.b64encode(png).decode()


def _chooses_itself(names: dict[str, object]) -> bool:
    """Say whether this is Colab or VS Code, by what they leave in a kernel."""
    if "google.colab" in sys.modules or "__vsc_ipynb_file__" in names:
        return True
    # A Jupyter server that was started within VS Code has these, too, but names its sessions.
    within = "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ
    return within and "JPY_SESSION_NAME" not in os.environ
