"""Threads that take turns with an encoder, and what is hung on it meanwhile; also across a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from weakref import WeakSet


class Turns:
    """A lock that a thread can take again; it is free in a process that is forked meanwhile."""

    _all: ClassVar[WeakSet[Turns]] = WeakSet()

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._all.add(self)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, and have it."""
        with self._lock:
            yield

    @classmethod
    def _free_all(cls) -> None:
        for turns in cls._all:
            turns._lock = threading.RLock()


# One pass at a time: what two hang on one encoder could not be told from each other.
PASSES = Turns()
# By the thread that has to undo it.
_HANGING: list[tuple[int, Callable[[], object]]] = []


@contextmanager
def undone(undo: Callable[[], object]) -> Iterator[None]:
    """Undo something at the end of a block; in a process that another thread forks, at once."""
    hanging = threading.get_ident(), undo
    try:
        _HANGING.append(hanging)
        yield
    finally:
        undo()
        _HANGING.remove(hanging)


def of_this_thread(function: Callable, otherwise: Callable) -> Callable:
    """Give a function that is the first in the thread that asks, and the second in all others."""
    owner = threading.get_ident()

    def chosen(*args: Any, **kwargs: Any) -> Any:
        return (function if threading.get_ident() == owner else otherwise)(*args, **kwargs)

    return chosen


def _in_forked_process() -> None:
    """Threads end with a fork: what they held is free, what they hung up is taken off."""
    Turns._free_all()
    for hanging in _HANGING.copy():
        thread, undo = hanging
        if thread != threading.get_ident():
            undo()
            _HANGING.remove(hanging)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_process)
