"""Read request bodies in the event loop: under a deadline, a size and a memory limit."""

import asyncio
from operator import itemgetter
from types import TracebackType

from levered_site.errors import (
    PayloadTooLargeError,
    RequestTimeoutError,
    UnavailableError,
)
from levered_site.web.asgi_types import Headers, Receive

# Bodies up to this size do not count against the memory limit: they must be read even
# while somebody fills it.
SMALL_BODY = 64 * 1024
# Key of an ASGI scope, set once the whole body has arrived: reading it takes no time.
BODY_ARRIVED = "levered.body_arrived"


class ClientDisconnectedError(Exception):
    """The client left before its request was complete."""


class BodyMemory:
    """The bytes of large bodies that one process holds: in all, and per client."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit = limit
        self._limit_per_client = limit_per_client
        self._held = 0
        self._held_by_client: dict[str, int] = {}

    def hold(self, client: str) -> "HeldBytes":
        """Return a context manager that counts the bytes of one body."""
        return HeldBytes(self, client)

    def take(self, client: str, size: int) -> None:
        """Count bytes.

        Raises:
            UnavailableError: the process or the client holds too many.
        """
        client_bytes = self._held_by_client.get(client, 0) + size
        is_too_much = self._held + size > self._limit
        if is_too_much or client_bytes > self._limit_per_client:
            raise UnavailableError(
                "Too many large bodies are being read; try again in 1 s.", retry_after=1
            )
        self._held += size
        self._held_by_client[client] = client_bytes

    def give_back(self, client: str, size: int) -> None:
        """Subtract bytes that `take` counted."""
        self._held -= size
        client_bytes = self._held_by_client.get(client, 0) - size
        if client_bytes > 0:
            self._held_by_client[client] = client_bytes
        else:
            self._held_by_client.pop(client, None)


class HeldBytes:
    """The bytes of one body; they are given back when the request is over."""

    __slots__ = ("_client", "_memory", "_size")

    def __init__(self, memory: BodyMemory, client: str) -> None:
        self._memory = memory
        self._client = client
        self._size = 0

    def add(self, size: int) -> None:
        """Count bytes that were received; see BodyMemory.take."""
        self._memory.take(self._client, size)
        self._size += size

    def __enter__(self) -> "HeldBytes":
        """Return this object."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Give the bytes back."""
        if self._size:
            self._memory.give_back(self._client, self._size)


def get_content_length(headers: Headers) -> int:
    """Return the announced length of the body in bytes; 0 without Content-Length.

    The HTTP parser has refused a value that is not a number.
    """
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return 0


def is_chunked(headers: Headers) -> bool:
    """Return whether the body is chunked; such bodies are refused."""
    return b"transfer-encoding" in map(itemgetter(0), headers)


def is_compressed(headers: Headers) -> bool:
    """Return whether the body has a Content-Encoding."""
    return b"content-encoding" in map(itemgetter(0), headers)


async def read_body(
    receive: Receive,
    limit: int,
    seconds: float,
    held: HeldBytes | None = None,
) -> bytes:
    """Return the whole body of a request.

    Args:
        receive: the ASGI callable, or one that repeats messages received before.
        limit: the largest body in bytes.
        seconds: how long the body may take.
        held: counts the bytes while they are in memory.

    Raises:
        PayloadTooLargeError: the body is larger than `limit`.
        RequestTimeoutError: it took longer than `seconds`.
        UnavailableError: too many bytes of bodies are in memory.
        ClientDisconnectedError: the client left.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _receive_body(receive, limit, held)
    except TimeoutError:
        raise RequestTimeoutError(
            f"The body did not arrive within {seconds:g} s."
        ) from None


async def _receive_body(receive: Receive, limit: int, held: HeldBytes | None) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise PayloadTooLargeError(
                f"The body is too large: this endpoint reads at most {limit:,} bytes."
            )
        if held is not None:
            held.add(len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
