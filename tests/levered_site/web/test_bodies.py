"""read_body: chunks, limits, deadlines."""

import asyncio
from collections.abc import Sequence

import pytest

from levered_site.errors import PayloadTooLargeError, RequestTimeoutError
from levered_site.web.asgi_types import Message
from levered_site.web.bodies import (
    ClientDisconnectedError,
    get_content_length,
    read_body,
)


def read(
    chunks: Sequence[bytes], *, limit: int = 100, is_complete: bool = True
) -> bytes:
    """Read a body that arrives in chunks."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    if is_complete:
        messages[-1]["more_body"] = False

    async def receive() -> Message:
        if not messages:
            await asyncio.sleep(60)
        return messages.pop(0)

    return asyncio.run(read_body(receive, limit, 0.05))


def test_chunks_are_joined() -> None:
    assert read([b"ab", b"", b"c"]) == b"abc"


def test_a_body_that_is_larger_than_the_limit_is_refused_on_the_way() -> None:
    with pytest.raises(PayloadTooLargeError, match="at most 5 bytes"):
        read([b"abc", b"def"], limit=5, is_complete=False)


def test_a_body_that_does_not_come_is_given_up() -> None:
    with pytest.raises(RequestTimeoutError) as caught:
        read([b"abc"], is_complete=False)

    assert (caught.value.status, caught.value.code) == (408, "bad_request")


def test_a_client_that_leaves_is_told_apart() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnectedError):
        asyncio.run(read_body(receive, 100, 1))


def test_a_request_without_a_length_has_no_body() -> None:
    assert get_content_length([(b"host", b"a")]) == 0
    assert get_content_length([(b"host", b"a"), (b"content-length", b"7")]) == 7
