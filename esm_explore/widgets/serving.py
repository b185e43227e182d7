"""The inspector as a page of its own: a notebook of one cell, shown by Voilà on this machine."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from esm_explore.arguments import whole_number
from esm_explore.chains.complexes import read_chosen
from esm_explore.encoders.loading import load_encoder
from esm_explore.errors import EsmExploreError, TraceError
from esm_explore.outputs import printable
from esm_explore.sources.locating import local_file, locate
from esm_explore.tracing.tracer import trace
from esm_explore.widgets.messages import find_problem

HOST = "127.0.0.1"
# The inspector is as high as the window: nothing is left for what Voilà puts around a cell.
_STYLE = """
body.jp-Notebook, .jp-Cell, .jp-OutputArea-output { margin: 0; padding: 0; }
#rendered_cells { padding: 0 10px !important; }
.jp-Cell-outputWrapper { margin: 0; }
.jp-OutputArea-child:has(style) { display: none; }
"""
# What was read is warned of in the terminal, once.
_CELL = """\
import json
from IPython.display import HTML, display
import esm_explore as ex
from esm_explore.chains.complexes import read_chosen
from esm_explore.errors import heard
display(HTML("<style>" + {style!r} + "</style>"))
given = json.loads({given!r})
encoder = ex.load_encoder(given["encoder"])
with heard():
    shown = ex.inspect([
        ex.trace(encoder, read_chosen(source, chain, model=model))
        for source, chain, model in given["chains"]
    ])
shown
"""


def serve_inspector(
    sources: Sequence[str],
    chains: Sequence[str] = (),
    models: Sequence[int] = (),
    *,
    encoder: str = "mini",
    port: int = 0,
    open_browser: bool = True,
) -> None:
    """Show the inspector in a browser, without a notebook, until it is interrupted.

    Everything is read and traced once before the server starts, so that what is wrong is said
    here and not in a page.

    Parameters
    ----------
    sources : sequence of str
        As `read_chain` takes them, standard input and pipes too.
    chains : sequence of str
        Chain ids: none, for the first protein chains; one for all sources, or one for each.
        ``A,B`` are several as one input.
    models : sequence of int
        Counted from 1; as many as of chains.
    encoder : str
        As `load_encoder` takes it.
    port : int
        0 for a free one.
    open_browser : bool
        Where there is a screen. The address is printed in any case.

    Raises
    ------
    EsmExploreError
        If Voilà is not installed, the port is taken, or the chains cannot be read, traced or
        shown together.
    """
    try:
        from esm_explore.widgets.voila_server import Server
    except ImportError as error:
        raise EsmExploreError(
            "The inspector's page needs Voilà, which is not installed: "
            "pip install 'esm_explore[app]'."
        ) from error
    port = _free_port(whole_number(port, "port", 0, 65535))
    wanted = list(
        zip(
            sources,
            _one_each(chains, len(sources), "chain", None),
            _one_each(models, len(sources), "model", 1),
            strict=True,
        )
    )
    with tempfile.TemporaryDirectory(prefix="esm_explore-") as folder:
        wanted = [(_kept(source, Path(folder)), *rest) for source, *rest in wanted]
        title = _checked(wanted, _as_absolute(encoder))
        notebook = Path(folder) / "inspector.ipynb"
        given = json.dumps({"encoder": _as_absolute(encoder), "chains": wanted})
        notebook.write_text(json.dumps(_notebook(_CELL.format(given=given, style=_STYLE), title)))
        token = secrets.token_urlsafe(24)
        address = f"http://{HOST}:{port}/?token={token}"

        def ready() -> None:
            print(printable(f"The inspector of {title} is at {address}"))
            print("Ctrl-C ends it.", flush=True)
            if open_browser and _has_screen():
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        Server.of(notebook, HOST, port, token, ready).serve()


def _checked(wanted: list[tuple[str, str | None, int]], encoder: str) -> str:
    """Read and trace all once; give the page's title."""
    loaded = load_encoder(encoder)
    traces = [
        trace(loaded, read_chosen(source, chain, model=model)) for source, chain, model in wanted
    ]
    if problem := find_problem(traces):
        raise TraceError(problem)
    return " · ".join(trace.title for trace in traces)


def _notebook(code: str, title: str) -> dict:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "inspector",
        "metadata": {},
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [cell | {"outputs": [], "source": code}],
        "metadata": {"kernelspec": kernel, "title": title},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _one_each(values: Sequence, n: int, name: str, default: object) -> Sequence:
    if len(values) in (1, n):
        return values if len(values) == n else [*values] * n
    if not values:
        return [default] * n
    raise EsmExploreError(
        f"{len(values)} times --{name} for {n} source{'s' * (n != 1)}: "
        "give it once, for all, or once for each."
    )


def _kept(source: str, folder: Path) -> str:
    """Name a source for the page's kernel, which runs elsewhere and reads it a second time."""
    path = local_file(source)
    if source != "-" and not (path and path.is_fifo()):
        return _as_absolute(source)
    found = locate(source)
    kept = Path(tempfile.mkdtemp(dir=folder)) / found.name
    kept.write_bytes(found.content)
    return str(kept)


def _as_absolute(text: str) -> str:
    path = local_file(text)
    return str(path.absolute()) if path and os.path.exists(path) else text


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        if os.name == "posix":  # elsewhere it would take what others use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EsmExploreError(
                f"Port {port} cannot be used ({error.strerror}): give another, or none for a free "
                "one."
            ) from error
        return probe.getsockname()[1]


def _has_screen() -> bool:
    """Without one, Python would open a browser for text in this terminal."""
    known = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in known)
