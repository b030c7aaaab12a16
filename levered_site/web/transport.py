"""The transport of a connection: a peer that does not read cannot hold it forever."""

import asyncio
from collections.abc import Callable
from typing import Any

from typing_extensions import override

# How long a connection stays half open so that the peer can read the response to a
# request that it is still sending. Closing at once would reset the connection, and the
# peer would lose the response.
LINGER_SECONDS = 2.0
# Of one write; what is unsent of smaller ones is found once a second.
LARGE_WRITE_BYTES = 64 * 1024
# What a peer must read of a response in each period of `write_seconds`.
MIN_READ_BYTES = 32 * 1024


class GuardedTransport(asyncio.Transport):
    """A transport that `check` aborts when its peer takes too long.

    Call `check` about once a second.

    While the peer still sends a request (`has_unread_input`), `close` shuts down the
    writing side only, and the protocol must discard what arrives. `note_left_unread` is
    told what is unsent after a large write.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        has_unread_input: Callable[[], bool],
        note_left_unread: Callable[[int], None],
        write_seconds: float,
    ) -> None:
        super().__init__()
        self._transport = transport
        self._has_unread_input = has_unread_input
        self._note_left_unread = note_left_unread
        self._write_seconds = write_seconds
        self._loop = asyncio.get_running_loop()
        self._abort_at: float | None = None
        self._marked_size = 0
        self.marked_at = 0.0  # since when the peer has read next to nothing

    @override
    def close(self) -> None:
        if self.is_closing():
            return
        now = self._loop.time()
        if self._has_unread_input():
            self._abort_at = now + LINGER_SECONDS
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._abort_at = now + self._write_seconds
            self._transport.close()

    def check(self, now: float) -> int:
        """Abort if the peer does not read. Return the number of bytes not yet sent.

        `now` is the time of the event loop.
        """
        size = self._transport.get_write_buffer_size()
        if self._abort_at is not None and now > self._abort_at:
            self._transport.abort()
        elif size == 0:
            self._marked_size = 0
        elif self._marked_size == 0 or size < self._marked_size - MIN_READ_BYTES:
            self._marked_size, self.marked_at = size, now
        elif now - self.marked_at > self._write_seconds:
            self._transport.abort()
        return size

    def note_progress(self) -> None:
        """Note that the peer has read most of what was sent."""
        self._marked_size = 0

    def forget_protocol(self) -> None:
        """Let go of the protocol, whose connection is closed."""
        self._has_unread_input = _has_no_input
        self._note_left_unread = _note_nothing

    @override
    def is_closing(self) -> bool:
        return self._abort_at is not None or self._transport.is_closing()

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._transport.write(data)
        if len(data) >= LARGE_WRITE_BYTES:
            self._note_left_unread(self._transport.get_write_buffer_size())

    @override
    def abort(self) -> None:
        self._transport.abort()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()


def _has_no_input() -> bool:
    return False


def _note_nothing(_size: int) -> None:
    """Stand for the protocol of a connection that is closed."""
