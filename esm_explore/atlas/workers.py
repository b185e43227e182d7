"""Pieces made by the workers of a Dask cluster, and taken in the order of the sources."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import uuid4

from esm_explore.arguments import wrong
from esm_explore.atlas.items import Item
from esm_explore.atlas.pieces import Piece, pieces_of
from esm_explore.errors import AtlasError
from esm_explore.tokens.chunks import ChunkedEncoder

# Tasks that wait for a worker's thread while it is at one: what is done early waits in memory.
_AHEAD = 2


def check_client(client: object) -> None:
    """Refuse what is no client of a cluster."""
    # Who made one has imported it.
    distributed = sys.modules.get("distributed")
    if distributed is None or not isinstance(client, distributed.Client) or client.asynchronous:
        raise wrong(client, "client", "a dask.distributed.Client that is not asynchronous, or None")


class _Encoding:
    """What each worker is given once, also one that comes later; Dask's WorkerPlugin by its names.

    A process encodes one task at a time: torch has threads of its own.
    """

    def __init__(self, run: ChunkedEncoder, folder: str):
        self.run, self.folder = run, folder

    def setup(self, worker: object) -> None:
        self.lock = threading.Lock()

    def pieces(self, items: list[Item], least: int) -> list[Piece]:
        # Sources are named as from the folder where the build was started.
        with self.lock, contextlib.chdir(self.folder):
            return list(pieces_of(self.run, items, least, lambda _: None))


def _encode(items: list[Item], least: int, name: str) -> list[Piece]:
    from distributed import get_worker

    plugins: dict[str, Any] = get_worker().plugins
    return plugins[name].pieces(items, least)


def pieces_from(
    client: Any,
    run: ChunkedEncoder,
    tasks: Iterable[list[Item]],
    least: int,
    tick: Callable[[int], object],
) -> Iterator[Piece]:
    """Let workers make the pieces of all tasks.

    Parameters
    ----------
    client : dask.distributed.Client
    run, tasks, least, tick
        As in `pieces_of`.

    Yields
    ------
    Piece
        In the order of the tasks.

    Raises
    ------
    AtlasError
        If the cluster is lost, or a task ends each worker that takes it.
    """
    import distributed

    class Plugin(_Encoding, distributed.WorkerPlugin):
        pass

    lost = (distributed.KilledWorker, distributed.client.FutureCancelledError, OSError)
    name, tasks = f"esm_explore-{uuid4()}", iter(tasks)
    waiting: deque[Any] = deque()
    try:
        client.register_plugin(Plugin(run, os.getcwd()), name=name)
        while True:
            room = _AHEAD * max(1, sum(client.nthreads().values())) - len(waiting)
            for task in islice(tasks, max(room, 0)):
                waiting.append(client.submit(_encode, task, least, name, pure=False))
            if not waiting:
                return
            for piece in waiting.popleft().result():
                tick(piece.n_items)
                yield piece
    except lost as error:
        raise AtlasError(
            f"The cluster's workers were lost ({error}): the same call goes on with what is done."
        ) from error
    finally:
        with contextlib.suppress(*lost):
            client.cancel(list(waiting))
            client.unregister_worker_plugin(name)
