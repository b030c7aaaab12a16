"""A head that a connection repeats is read once, and answered as if it were read again."""

import asyncio
import itertools
import re
import weakref
from typing import Any

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from typing_extensions import override

from levered_site.web.asgi_types import Scope
from levered_site.web.direct import BodyAnswer, DirectProtocol, DirectResponse
from levered_site.web.repeated_head import find_repeatable_head
from tests.support.direct_connections import (
    build_request,
    converse,
    read_body,
    read_head,
    read_response,
    respond,
)

HEAD_LINES = (
    "X-Test: 1",
    "X-Test: 2",
    "Connection: close",
    "Connection: keep-alive",
    "Expect: 100-continue",
    "Connection: upgrade\r\nUpgrade: h2c",
    "Transfer-Encoding: chunked",
    f"X-Long: {'x' * 2048}",
)
# Of the loop: more than an answer takes.
TURNS = 20


class _CountedReader:
    """Reads heads, and counts how many."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, scope: Scope) -> BodyAnswer | None:
        self.count += 1
        return read_head(scope)


class _ForgetfulProtocol(DirectProtocol):
    """Parses every request."""

    @override
    def _answer_repeated(self, data: bytes) -> bool:
        return False


def _count_heads(*requests: bytes) -> tuple[list[bytes], int]:
    """Send one request after the other; return the bodies, and how many heads were read."""

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        bodies = []
        for request in requests:
            writer.write(request)
            bodies.append(await read_body(reader))
        return bodies

    reader = _CountedReader()
    return asyncio.run(converse(talk, read=reader)), reader.count


@pytest.mark.parametrize("path", ["/now", "/later"])
def test_a_head_that_comes_again_is_read_once(path: str) -> None:
    bodies = ["a", "b", "", "c" * 1000, "é", "f"]

    answers, heads = _count_heads(*(build_request(path, body) for body in bodies))

    assert answers == [f"{path[1:]} {body}".encode() for body in bodies]
    assert heads == 1


def test_another_head_is_read() -> None:
    answers, heads = _count_heads(
        build_request("/now", "a"),
        build_request("/now", "b", "1.1", "X-Test: 1"),
        build_request("/later", "c"),
        build_request("/other", "d"),
        build_request("/now", "e"),
    )

    assert answers == [b"now a", b"now b", b"later c", b"app /other d", b"now e"]
    assert heads == 5


def test_a_head_is_known_again_after_other_requests() -> None:
    again = build_request("/now", "x")

    _, heads = _count_heads(again, build_request("/other", "y"), again, again)

    assert heads == 2


_sent_requests = st.lists(
    st.builds(
        build_request,
        st.sampled_from(["/now", "/now", "/now", "/later", "/other"]),
        st.text(max_size=12),
        st.sampled_from(["1.1", "1.1", "1.1", "1.0"]),
        st.sampled_from(["X-Test: 1", "X-Test: 1", "X-Test: 1", *HEAD_LINES]),
    ),
    min_size=2,
    max_size=8,
)


@given(requests=_sent_requests, data=st.data())
@hypothesis_settings(max_examples=100)
def test_repeated_heads_change_no_byte_of_the_answers(
    requests: list[bytes], data: st.DataObject
) -> None:
    chunks = data.draw(_cut(requests))
    settles = data.draw(st.lists(st.booleans(), min_size=len(chunks)))
    connections: list[weakref.ref[Any]] = []

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        connection: Any = connections.pop()()
        for chunk, is_settled in zip(chunks, settles, strict=False):
            connection.data_received(chunk)
            for _ in range(TURNS if is_settled else 0):
                await asyncio.sleep(0)
        writer.write_eof()
        return [re.sub(rb"req_\w+", b"", await reader.read())]

    answers = asyncio.run(converse(talk, connections, read=_read_quickly))
    assert answers == asyncio.run(
        converse(
            talk, connections, read=_read_quickly, protocol_base=_ForgetfulProtocol
        )
    )


@st.composite
def _cut(draw: st.DrawFn, requests: list[bytes]) -> list[bytes]:
    """Cut the bytes of all requests behind most of them, and at other places."""
    text = b"".join(requests)
    ends = list(itertools.accumulate(map(len, requests)))
    joined = draw(st.sets(st.sampled_from(ends), max_size=2))
    cuts = draw(st.sets(st.integers(1, len(text) - 1), max_size=2))
    places = [0, *sorted({*ends, *cuts} - joined), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(places)]


def _read_quickly(scope: Scope) -> BodyAnswer | None:
    """Read a head as `read_head`; `/later` is one turn of the loop later."""
    if scope["path"] != "/later":
        return read_head(scope)

    async def answer(body: bytes) -> DirectResponse:
        await asyncio.sleep(0)
        return respond(b"later " + body)

    return answer


def test_a_pending_answer_is_not_overtaken_by_a_repeated_head() -> None:
    later, now = (build_request(path, "x") for path in ("/later", "/now"))

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        bodies = []
        for request in (now, later, later):
            writer.write(request)
            bodies.append(await read_body(reader))
        for number in b"123":
            writer.write(build_request("/later", chr(number)))
            await writer.drain()
        return bodies + [await read_body(reader) for _ in range(3)]

    answers = asyncio.run(converse(talk))

    assert answers[:3] == [b"now x", b"later x", b"later x"]
    assert [answer[-1:] for answer in answers[3:]] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("ending", ["shutdown", "retire"])
def test_the_last_request_before_the_end_is_told_of_it(ending: str) -> None:
    connections: list[weakref.ref[Any]] = []
    request = build_request("/now", "x")

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        heads: list[bytes] = []
        for _ in range(3):
            if len(heads) == 2:
                getattr(connections[0](), ending)()
            writer.write(request)
            head, _ = await read_response(reader)
            heads.append(head)
        return [*heads, await reader.read()]

    *heads, rest = asyncio.run(converse(talk, connections))

    assert [b"connection: close" in head for head in heads] == [False, False, True]
    assert rest == b""


def test_a_connection_is_idle_since_its_last_repeated_head() -> None:
    connections: list[weakref.ref[Any]] = []
    request = build_request("/now", "x")

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        connection: Any = None
        for _ in range(3):
            writer.write(request)
            await read_body(reader)
            connection = connections[0]()
        now = asyncio.get_running_loop().time()
        connection.check(now + 4)  # uvicorn keeps connections for 5 s by default
        writer.write(request)
        kept = await read_body(reader)
        connection.check(now + 12)
        return [kept, await reader.read()]

    assert asyncio.run(converse(talk, connections)) == [b"now x", b""]


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nA: 1\r\n\r\nab", b"ab"),
        (b"POST / HTTP/1.1\r\nA: 1\r\ncontent-length:2\r\n\r\nab", b"ab"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabc", None),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na", None),
        (b"POST / HTTP/1.1\r\nContent-Length: 2 \r\n\r\nab", None),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\n\nab", None),
        (b"GET / HTTP/1.1\r\nA: 1\r\n\r\n", None),
        (b"\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", None),
    ],
)
def test_the_head_of_one_whole_request_is_repeatable(
    data: bytes, body: bytes | None
) -> None:
    head = find_repeatable_head(data)

    assert (None if head is None else head.find_body(data)) == body


@pytest.mark.parametrize("digits", [b"", b"+2", b"2 ", b"0x2", b"3", b"1", b"2\n"])
def test_another_length_than_that_of_the_body_is_parsed(digits: bytes) -> None:
    template = b"POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\nab"
    head = find_repeatable_head(template % b"2")

    assert head is not None
    assert head.find_body(template % digits) is None
    assert head.find_body(template % b"02") == b"ab"
