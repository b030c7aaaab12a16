"""Limits of a request head: the request line and the headers."""

from levered_site.errors import HeadTooLargeError
from levered_site.web.asgi_types import Headers

MAX_HEAD_BYTES = 32 * 1024


class RequestHead:
    """The head that a connection is receiving: how large it is, and until when."""

    __slots__ = ("_is_first_chunk", "_size", "deadline", "is_open")

    def __init__(self, deadline: float) -> None:
        # None while a request is running; else the time at which to give up.
        self.deadline: float | None = deadline
        self.is_open = False  # whether a part of it has arrived
        self._is_first_chunk = False
        self._size = 0

    def begin(self) -> None:
        """Note the first byte of a head."""
        self.is_open = self._is_first_chunk = True
        self._size = 0

    def add_chunk(self, chunk_size: int, parsed_size: int) -> None:
        """Count a chunk behind which the head goes on.

        The first chunk may begin with the end of the last request. So only what was
        parsed of the head counts.

        Raises:
            HeadTooLargeError: the head is too large.
        """
        if self._is_first_chunk:
            self._is_first_chunk = False
            self._size = parsed_size
        else:
            self._size += chunk_size
        if self._size > MAX_HEAD_BYTES:
            raise build_head_error()

    def finish(self) -> None:
        """Note the end of a head."""
        self.is_open = False
        self.deadline = None

    def is_too_large(self, chunk_size: int, url: bytes, headers: Headers) -> bool:
        """Return whether a head that ended in a chunk is too large.

        It is measured only where it may be: the chunk may hold a body, too.
        """
        if self._size + chunk_size <= MAX_HEAD_BYTES:
            return False
        return measure_head(url, headers) > MAX_HEAD_BYTES


def measure_head(url: bytes, headers: Headers) -> int:
    """Return the size of a parsed head in bytes, without separators."""
    return len(url) + sum(len(name) + len(value) for name, value in headers)


def build_head_error() -> HeadTooLargeError:
    """Return the error of a head that is too large."""
    return HeadTooLargeError(
        f"Request line and headers are too large: at most {MAX_HEAD_BYTES:,} bytes."
    )
