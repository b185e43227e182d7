"""What is read soon is fetched before, a few files at a time, into the cache."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import requests

from esm_explore.errors import ChainError, heard
from esm_explore.sources.bundled import bundled_example
from esm_explore.sources.downloads import fetch_alphafold, fetch_pdb
from esm_explore.sources.identifiers import alphafold_id, pdb_id, pdb_id_and_chain

Task = TypeVar("Task")
# At a time; the services are everybody's.
_CONNECTIONS = 4
# Tasks whose files are fetched while another is worked on.
_AHEAD = 2
# A busy service is asked again after so many seconds, or after what it says, up to a limit.
_BUSY = (429, 500, 502, 503, 504)
_PAUSES, _LONGEST = (1.0, 4.0, 16.0), 60.0


def fetched_ahead(
    tasks: Iterable[Task], sources: Callable[[Task], Iterable[str]]
) -> Iterator[Task]:
    """Give tasks whose ids are in the cache, as far as they can be had.

    What could not be fetched is not said here: who reads it is told. Files that are in the cache
    are not asked for again.

    Parameters
    ----------
    tasks : iterable
    sources : callable
        Gives what a task will read.

    Yields
    ------
    task
        In order.
    """
    over = threading.Event()
    waiting: deque[Any] = deque()
    pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="fetching")
    try:
        for task in tasks:
            ids = dict.fromkeys(filter(None, map(_id_of, sources(task))))
            waiting.append((task, [pool.submit(_fetch, name, over) for name in ids]))
            if len(waiting) > _AHEAD:
                yield _ready(*waiting.popleft())
        while waiting:
            yield _ready(*waiting.popleft())
    finally:
        over.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _ready(task: Task, fetched: list) -> Task:
    wait(fetched)
    return task


def _id_of(source: str) -> str | None:
    """Give the id that a source names, if it has to be fetched."""
    with suppress(OSError, ValueError):
        if Path(source).exists():
            return None
    entry = (pdb_id_and_chain(source) or (source,))[0]
    known = pdb_id(entry) or (alphafold_id(entry) and entry)
    return known if known and bundled_example(known, None) is None else None


def _fetch(name: str, over: threading.Event) -> None:
    for pause in (*_PAUSES, None):
        if over.is_set():
            return
        with heard() as told:
            try:
                entry = pdb_id(name)
                fetch_pdb(entry) if entry else fetch_alphafold(alphafold_id(name)[0])
            except ChainError as error:
                seconds = _seconds(error.__cause__, pause)
            else:
                seconds = None
        if told:
            over.set()  # there is no cache: all would come twice
        if seconds is None or over.wait(seconds):
            return


def _seconds(cause: BaseException | None, pause: float | None) -> float | None:
    """Say how long to wait until a service is asked again; None for not at all."""
    answer = cause.response if isinstance(cause, requests.HTTPError) else None
    if pause is None or answer is None or answer.status_code not in _BUSY:
        return None
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST) if asked.isdigit() else pause
