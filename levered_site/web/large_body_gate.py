"""Let few large bodies into the application at once.

Parsed, a body takes many times its bytes, so what is read may wait here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from levered_site.errors import UnavailableError

MB = 1024 * 1024
# A body counts at least this much: a small one may hold as many values as a large one.
MIN_COUNTED_BYTES = 1 * MB


class LargeBodyGate:
    """At most `limit` bytes of bodies at once, or one body that is larger.

    A body waits at most `wait_seconds` for its turn.
    """

    def __init__(self, limit: int, wait_seconds: float) -> None:
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._inside = 0
        self._has_left = asyncio.Condition()

    @asynccontextmanager
    async def admit(self, size: int) -> AsyncIterator[None]:
        """Wait until a body may be in the application; it leaves at the end.

        Raises:
            UnavailableError: the others took too long.
        """
        counted = max(size, MIN_COUNTED_BYTES)
        await self._wait_for(counted)
        try:
            yield
        finally:
            self._inside -= counted
            async with self._has_left:
                self._has_left.notify_all()

    async def _wait_for(self, counted: int) -> None:
        def has_room() -> bool:
            return not self._inside or self._inside + counted <= self._limit

        try:
            async with asyncio.timeout(self._wait_seconds), self._has_left:
                await self._has_left.wait_for(has_room)
                self._inside += counted
        except TimeoutError:
            raise UnavailableError(
                "Too many large bodies are being worked on; try again in 1 s.",
                retry_after=1,
            ) from None
