"""The event loop of this process in which serving reads and writes assignments.

The web server registers its own loop. Any other process (a test, a shell) gets a loop on
a thread of its own at the first use.
"""

import asyncio
import os
from collections.abc import Coroutine
from threading import Lock, Thread
from typing import Any, TypeVar

from levered_site.errors import UnavailableError

R = TypeVar("R")

# Longer than any step inside waits, so that its own, more precise error wins.
MAX_WAIT_SECONDS = 2.0
LOOP_BUSY_MESSAGE = "The service is busy; try again."


class _ServingLoop:
    """The loop of this process, registered or started."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the loop: a fork copies it without the thread that runs it."""
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def register(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop

    def get(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                Thread(
                    target=self._loop.run_forever, name="serving", daemon=True
                ).start()
            return self._loop


_serving_loop = _ServingLoop()
os.register_at_fork(after_in_child=_serving_loop.reset)


def register_running_loop() -> None:
    """Make the loop that runs right now the loop of serving in this process."""
    _serving_loop.register(asyncio.get_running_loop())


def unregister_loop() -> None:
    """Forget a registered loop that is about to stop."""
    _serving_loop.register(None)


def run_in_loop(
    coroutine: Coroutine[Any, Any, R], seconds: float = MAX_WAIT_SECONDS
) -> R:
    """Run a coroutine in the loop of serving, from a thread outside it, and wait.

    Raises what the coroutine raises, or UnavailableError after `seconds`.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, _serving_loop.get())
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise UnavailableError(LOOP_BUSY_MESSAGE, retry_after=1) from error
