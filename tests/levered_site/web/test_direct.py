"""Direct answers: which requests get one, in which order, and what goes to the app."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import uvloop

from tests.support.direct_connections import (
    Conversation,
    build_request,
    converse,
    read_body,
)


def _converse(
    talk: Conversation,
    connections: list[weakref.ref[Any]] | None = None,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> list[bytes]:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(converse(talk, connections))


def _send_at_once(*requests: bytes) -> list[bytes]:
    async def talk(reader: Any, writer: Any) -> list[bytes]:
        writer.write(b"".join(requests))
        return [await read_body(reader) for _ in requests]

    return _converse(talk)


def test_a_connection_is_kept_over_answers_of_every_kind() -> None:
    async def talk(reader: Any, writer: Any) -> list[bytes]:
        bodies = []
        for path in ("/now", "/later", "/other", "/later", "/now"):
            writer.write(build_request(path, "x"))
            bodies.append(await read_body(reader))
        return bodies

    assert _converse(talk) == [
        b"now x",
        b"later x",
        b"app /other x",
        b"later x",
        b"now x",
    ]


@pytest.mark.parametrize("first", ["/later", "/now", "/other"])
def test_pipelined_requests_are_answered_in_their_order(first: str) -> None:
    paths = [first, "/now", "/later", "/other", "/now", "/later"]

    bodies = _send_at_once(
        *(build_request(path, str(number)) for number, path in enumerate(paths))
    )

    assert [body.split()[-1] for body in bodies] == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_a_body_in_pieces_is_the_applications() -> None:
    async def talk(reader: Any, writer: Any) -> list[bytes]:
        request = build_request("/now", "abcdef")
        for piece in (request[:-4], request[-4:-2], request[-2:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)
        first = await read_body(reader)
        writer.write(build_request("/now", "y"))
        return [first, await read_body(reader)]

    assert _converse(talk) == [b"app /now abcdef", b"now y"]


@pytest.mark.parametrize(
    ("version", "line"), [("1.0", "X-Test: 1"), ("1.1", "Connection: close")]
)
def test_a_connection_that_is_to_be_closed_is_the_applications(
    version: str, line: str
) -> None:
    assert _send_at_once(build_request("/now", "x", version, line)) == [b"app /now x"]


@pytest.mark.parametrize("path", ["/now", "/later", "/other"])
def test_a_client_that_sends_no_more_gets_its_answer(path: str) -> None:
    async def talk(reader: Any, writer: Any) -> list[bytes]:
        writer.write(build_request(path, "x"))
        writer.write_eof()
        return [await read_body(reader), await reader.read()]

    body, rest = _converse(talk)

    assert body.endswith(b" x")
    assert rest == b""


def test_a_client_that_leaves_before_its_answer_breaks_nothing() -> None:
    async def talk(reader: Any, writer: Any) -> list[bytes]:
        writer.write(build_request("/later", "x"))
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.2)
        return [await reader.read()]

    assert _converse(talk) == [b""]


@pytest.mark.parametrize("loop_module", [asyncio, uvloop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("requests", [[], ["/now"], ["/later"] * 3, ["/other"] * 3])
@pytest.mark.parametrize("is_aborted", [False, True])
def test_a_closed_connection_is_freed_without_the_garbage_collector(
    loop_module: Any, requests: list[str], is_aborted: bool
) -> None:
    connections: list[weakref.ref[Any]] = []

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        writer.write(b"".join(build_request(path, "x") for path in requests))
        if is_aborted:
            await asyncio.sleep(0.01)
            writer.transport.abort()
        else:
            for _ in requests:
                await read_body(reader)
            writer.close()
        await asyncio.sleep(0.3)
        return [b"alive" for each in connections if each() is not None]

    gc.collect()
    gc.disable()
    try:
        alive = _converse(talk, connections, loop_module.new_event_loop)
    finally:
        gc.enable()
    assert len(connections) == 1
    assert alive == []


@pytest.mark.parametrize("is_pipelined", [False, True])
def test_a_refused_connection_is_freed_without_the_garbage_collector(
    *, is_pipelined: bool
) -> None:
    connections: list[weakref.ref[Any]] = []

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        if is_pipelined:
            writer.write(build_request("/later", "x") * 40)
        else:
            for part in (b"GET / HTTP/1.1\r\nX-Large: ", b"x" * 40_000):
                writer.write(part)
                await asyncio.sleep(0.05)
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        await asyncio.sleep(0.3)
        return [b"alive" for each in connections if each() is not None]

    gc.collect()
    gc.disable()
    try:
        alive = _converse(talk, connections)
    finally:
        gc.enable()
    assert len(connections) == 1
    assert alive == []


@pytest.mark.parametrize("answered", [0, 1])
def test_the_limit_of_idle_connections_ends_no_head_that_is_arriving(
    answered: int,
) -> None:
    connections: list[weakref.ref[Any]] = []
    request = build_request("/now", "x")

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        for _ in range(answered):
            writer.write(request)
            await read_body(reader)
        writer.write(request[:20])
        await asyncio.sleep(0.05)
        connection = connections[0]()
        assert connection is not None
        now = asyncio.get_running_loop().time()
        connection.check(now + 6)  # uvicorn's own limit is 5 s, that of heads 10 s
        writer.write(request[20:])
        bodies = [await read_body(reader)]
        connection.check(now + 20)
        return [*bodies, await reader.read()]

    assert _converse(talk, connections) == [b"now x", b""]


@pytest.mark.parametrize("path", ["/now", "/later", "/other"])
def test_a_connection_without_a_request_outlives_the_limit_of_heads(path: str) -> None:
    connections: list[weakref.ref[Any]] = []
    request = build_request(path, "x")

    async def talk(reader: Any, writer: Any) -> list[bytes]:
        writer.write(request)
        first = await read_body(reader)
        connection = connections[0]()
        assert connection is not None
        connection.timeout_keep_alive = 75
        now = asyncio.get_running_loop().time()
        connection.check(now + 60)  # the limit of heads is 10 s
        writer.write(request)
        second = await read_body(reader)
        connection.check(now + 160)
        assert first == second
        return [await reader.read()]

    assert _converse(talk, connections) == [b""]
