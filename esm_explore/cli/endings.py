"""How a command ends: an error in a line, a signal, a status."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from esm_explore.errors import AtlasError, EsmExploreError
from esm_explore.outputs import printable

NOT_WRITTEN = 3


@contextmanager
def errors_in_a_line() -> Iterator[None]:
    """End with one line on stderr and a status, for all that can be wrong with what was given."""
    try:
        yield
    except (EsmExploreError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        raise typer.Exit(NOT_WRITTEN if isinstance(error, AtlasError) else 2) from error


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the program as an exception does, so that it clears up.

    A second one ends it at once.
    """

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What is ignored, as under nohup, stays so. Handlers can be set in the main thread alone.
    numbers = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
