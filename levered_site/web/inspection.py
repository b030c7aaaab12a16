"""Look at every connection once a second, a share of them at a time.

A look at all of 4,000 connections at once would make the others wait for 10 ms. Only large
responses that clients leave unread are worth it.
"""

from collections.abc import Collection
from typing import Protocol


class Inspectable(Protocol):
    """What an inspection needs of a connection."""

    @property
    def unread_since(self) -> float:
        """Since when the client has read next to nothing, if anything is unsent."""

    def check(self, now: float) -> int:
        """End what takes too long. Return the number of bytes not yet sent."""

    def abort(self) -> None:
        """Close the connection at once; what is unsent is lost."""


class Inspection:
    """Ends connections that take too long, or whose clients leave too much unread.

    A round takes up to `steps` calls. `max_unread_bytes` is a limit on all connections
    together; beyond it those whose clients have read nothing for longest are aborted.
    """

    def __init__(self, steps: int, max_unread_bytes: int) -> None:
        self._steps = steps
        self._max_unread_bytes = max_unread_bytes
        self._pending: list[Inspectable] = []
        self._share = 0
        self._unread: dict[Inspectable, int] = {}
        self._unread_after_round = 0
        self._left_since_round = 0

    def note_left_unread(
        self, size: int, connections: Collection[Inspectable], now: float
    ) -> None:
        """Count what is unsent of a response; look at all connections if it may be too much.

        In the second between two rounds, hundreds of large responses could pile up.
        """
        self._left_since_round += size
        estimate = self._unread_after_round + self._left_since_round
        if estimate > self._max_unread_bytes:
            self._pending.clear()
            self._unread = {each: each.check(now) for each in list(connections)}
            self._cut_off_slowest()

    def step(self, connections: Collection[Inspectable], now: float) -> None:
        """Check the next share of the open `connections`.

        `now` is the time of the event loop.
        """
        if not self._pending:
            self._pending = list(connections)
            self._share = -(-len(self._pending) // self._steps)
        share = self._pending[-self._share :]
        del self._pending[-self._share :]
        for connection in share:
            if connection in connections and (unread := connection.check(now)):
                self._unread[connection] = unread
        if not self._pending:
            self._cut_off_slowest()

    def _cut_off_slowest(self) -> None:
        left = sum(self._unread.values())
        for connection in sorted(self._unread, key=lambda each: each.unread_since):
            if left <= self._max_unread_bytes:
                break
            if self._unread[connection]:
                connection.abort()
                left -= self._unread[connection]
        self._unread.clear()
        self._unread_after_round, self._left_since_round = left, 0
