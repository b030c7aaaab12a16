"""Call a WSGI application in a thread and read its response block by block."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

# A streaming response, such as a file, is read in blocks of this size, so that a slow
# reader holds little memory and no thread.
BLOCK_SIZE = 256 * 1024
# Their responses have no body, so that a length would be wrong.
STATUSES_WITHOUT_LENGTH = frozenset({204, 304})

WsgiHeaders: TypeAlias = list[tuple[str, str]]
WsgiApplication: TypeAlias = Callable[
    [dict[str, Any], Callable[..., Any]], Iterable[bytes]
]


class WsgiResponse:
    """A response whose first block has been read."""

    __slots__ = ("_chunks", "_iterator", "block", "headers", "is_complete", "status")

    def __init__(self, application: WsgiApplication, environ: dict[str, Any]) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_complete = False
        self.block = b""
        self._chunks = application(environ, self._start_response)
        self._iterator: Iterator[bytes] = iter(self._chunks)
        self.read_block()
        if self.is_complete:
            self._add_length()

    def _start_response(
        self, status: str, headers: WsgiHeaders, _exc_info: object = None
    ) -> None:
        self.status = int(status[:3])
        has_length = self.status not in STATUSES_WITHOUT_LENGTH
        self.headers = [
            (lower_name, value.encode("latin-1"))
            for name, value in headers
            if (lower_name := name.lower().encode("latin-1")) != b"content-length"
            or has_length
        ]

    def _add_length(self) -> None:
        """Announce the length of a body that is in memory as a whole."""
        has_length = any(name == b"content-length" for name, _ in self.headers)
        if not has_length and self.status not in STATUSES_WITHOUT_LENGTH:
            length = str(len(self.block)).encode()
            self.headers.append((b"content-length", length))

    def read_block(self) -> None:
        """Read the next block. After the last one close the response."""
        try:
            self.block = self._join_chunks()
        except BaseException:
            self._close()
            raise
        if self.is_complete:
            self._close()

    def _join_chunks(self) -> bytes:
        is_streaming = getattr(self._chunks, "streaming", True)
        chunks: list[bytes] = []
        size = 0
        for chunk in self._iterator:
            chunks.append(chunk)
            size += len(chunk)
            if is_streaming and size >= BLOCK_SIZE:
                break
        else:
            self.is_complete = True
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
