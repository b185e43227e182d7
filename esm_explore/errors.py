"""The exceptions and warnings of this package.

Everything raised on purpose is an `EsmExploreError`, so one ``except`` catches all of it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Python's own way to catch warnings is of the whole process: other threads would lose theirs.
_HEARD: ContextVar[list[str] | None] = ContextVar("_HEARD", default=None)


class EsmExploreError(Exception):
    """Base of every error that esm_explore raises on purpose."""


class ChainError(EsmExploreError, ValueError):
    """A structure could not be read, or holds no chain that can be encoded."""


class EncoderError(EsmExploreError):
    """An encoder could not be loaded, or is not what it should be."""


class TraceError(EsmExploreError, ValueError):
    """A chain could not be traced, or a trace was asked for something it does not have."""


class AtlasError(EsmExploreError):
    """An atlas, or its table of residues, cannot be where it should, or could not be written."""


class ChainWarning(UserWarning):
    """Something in a structure was left out or chosen between; the message says what and why."""


class DeprecatedWarning(FutureWarning):
    """A public name goes in the version that the message names, and what to call instead."""


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what this thread would be warned of; other threads' warnings go their way."""
    said: list[str] = []
    token = _HEARD.set(said)
    try:
        yield said
    finally:
        _HEARD.reset(token)


def warn(message: str) -> None:
    """Issue a `ChainWarning` at the line that called this package, unless it is `heard`."""
    said = _HEARD.get()
    if said is not None:
        said.append(message)
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("esm_explore."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, ChainWarning, stacklevel=level)
