"""What takes a while to work out: done beside the clicks, and shown if it is still wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
# One at a time: two would only wait for each other's turn with the encoder.
_WORKER = ThreadPoolExecutor(1, "esm_explore-answers")


class Asked:
    """The last thing that was asked for; what was asked for before is forgotten."""

    def __init__(self) -> None:
        self._pending: tuple[Future, Callable] | None = None

    def ask(self, work: Callable[[], T], show: Callable[[T], None]) -> None:
        """Work something out, and show it.

        In a kernel that is done in a thread, and the loop that answers clicks shows the result;
        elsewhere both are done when this returns.

        Parameters
        ----------
        work, show : callable
            `show` is called with what `work` gives, unless something else was asked for meanwhile.
        """
        self.forget()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            show(work())
            return

        def done(future: Future) -> None:
            # The kernel may be gone by now.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._deliver, future)

        future = _WORKER.submit(work)
        self._pending = future, show
        future.add_done_callback(done)

    def forget(self) -> None:
        """Want nothing more."""
        if self._pending is not None:
            self._pending[0].cancel()
            self._pending = None

    def wait(self) -> None:
        """Return when what was asked for is shown."""
        if self._pending is not None:
            wait([self._pending[0]])
            self._deliver(self._pending[0])

    @property
    def is_pending(self) -> bool:
        """Whether something was asked for that is not shown yet."""
        return self._pending is not None

    def _deliver(self, future: Future) -> None:
        if self._pending is not None and self._pending[0] is future:
            _, show = self._pending
            self._pending = None
            show(future.result())
