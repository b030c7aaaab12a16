"""WsgiBridge without a server: what the WSGI application gets, what the client gets."""

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from levered_site.errors import RequestTimeoutError, UnavailableError
from levered_site.web.asgi_types import Headers, Message, Scope
from levered_site.web.bodies import SMALL_BODY, BodyMemory
from levered_site.web.bridge import LargeBodies, WsgiBridge
from levered_site.web.large_body_gate import LargeBodyGate
from levered_site.web.refusals import send_refusal
from levered_site.web.threads import ThreadStack
from levered_site.web.wsgi_call import BLOCK_SIZE, WsgiApplication

MB = 1024 * 1024


@dataclass
class Client:
    """Sends one request and keeps the messages that answer it."""

    chunks: list[bytes]
    headers: Headers = field(default_factory=list)
    method: str = "POST"
    path: bytes = b"/a%20b"
    sent: list[Message] = field(default_factory=list)
    leaves: bool = False

    def build_scope(self) -> Scope:
        length = sum(map(len, self.chunks)) + (5 if self.leaves else 0)
        headers = [(b"host", b"shop.example"), *self.headers]
        if length:
            headers.append((b"content-length", str(length).encode()))
        return {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": self.method,
            "path": "/a b",
            "raw_path": self.path,
            "query_string": b"q=1",
            "headers": headers,
            "client": ("10.0.0.7", 4711),
            "server": ("127.0.0.1", 3100),
        }

    async def receive(self) -> Message:
        if not self.chunks:
            assert self.leaves, "read behind the end"
            return {"type": "http.disconnect"}
        chunk = self.chunks.pop(0)
        more = bool(self.chunks) or self.leaves
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    def get_header(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.sent[0]["headers"] if key == name]

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


def send(
    client: Client,
    application: WsgiApplication,
    *,
    limit: int = 5 * MB,
    memory: int = MB,
    threads: int = 2,
    threadless_paths: frozenset[str] = frozenset(),
) -> None:
    """Pass the request of a client through a bridge."""

    async def run() -> None:
        bridge = WsgiBridge(
            application,
            ThreadStack(threads, 1.0, 10),
            LargeBodies(BodyMemory(memory, memory), LargeBodyGate(8 * MB, 1.0)),
            lambda _scope: limit,
            30.0,
            threadless_paths,
        )
        await bridge(client.build_scope(), client.receive, client.send)

    asyncio.run(run())


def send_all(
    clients: list[Client], application: WsgiApplication, gate: LargeBodyGate
) -> None:
    """Pass the requests of several clients through one bridge, side by side."""

    async def run() -> None:
        bridge = WsgiBridge(
            application,
            ThreadStack(len(clients), 1.0, 10),
            LargeBodies(BodyMemory(64 * MB, 64 * MB), gate),
            lambda _scope: 5 * MB,
            30.0,
        )
        await asyncio.gather(
            *(bridge(each.build_scope(), each.receive, each.send) for each in clients)
        )

    asyncio.run(run())


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Return the body in a response without a length."""
    body: bytes = environ["wsgi.input"].read()
    start_response("200 OK", [("X-Odd", "é")])
    return [body]


def keep_environ(kept: dict[str, Any]) -> WsgiApplication:
    """Return an application that keeps the environ it gets."""

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        kept.update(environ)
        start_response("204 No Content", [("Content-Length", "0")])
        return []

    return application


def test_the_environ_describes_the_request() -> None:
    environ: dict[str, Any] = {}

    client = Client([b"ab", b"c"], [(b"content-type", b"text/plain")])
    send(client, keep_environ(environ))

    assert environ["wsgi.input"].read() == b"abc"
    assert {
        name: value for name, value in environ.items() if not name.startswith("wsgi.")
    } == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "q=1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "3100",
        "REMOTE_ADDR": "10.0.0.7",
        "REMOTE_PORT": "4711",
        "HTTP_HOST": "shop.example",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
    }


def test_bytes_of_path_and_headers_are_latin_1_in_the_environ() -> None:
    environ: dict[str, Any] = {}

    client = Client([], [(b"x-name", "é".encode())], path=b"/%C3%A9")
    send(client, keep_environ(environ))

    assert environ["PATH_INFO"].encode("latin-1") == "/é".encode()
    assert environ["HTTP_X_NAME"].encode("latin-1") == "é".encode()


def test_repeated_headers_are_joined_and_names_with_underscores_dropped() -> None:
    environ: dict[str, Any] = {}
    headers = [
        (b"x-forwarded-for", b"10.1.1.1"),
        (b"x-forwarded-for", b"10.2.2.2"),
        (b"x_forwarded_for", b"10.9.9.9"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    ]

    send(Client([], headers), keep_environ(environ))

    assert environ["HTTP_X_FORWARDED_FOR"] == "10.1.1.1,10.2.2.2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_a_response_gets_its_length_unless_it_has_no_body() -> None:
    full, empty = Client([b"abc"]), Client([b"abc"])

    send(full, echo)
    send(empty, keep_environ({}))

    assert full.body == b"abc"
    assert full.get_header(b"content-length") == [b"3"]
    assert full.get_header(b"x-odd") == ["é".encode("latin-1")]
    assert empty.status == 204
    assert empty.get_header(b"content-length") == []


def test_a_streaming_response_is_sent_block_by_block_and_closed() -> None:
    closed: list[bool] = []

    class Stream:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x" * 100_000] * 10)

        def close(self) -> None:
            closed.append(True)

    def application(
        _environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Stream()

    client = Client([])
    send(client, application)

    sizes = [len(message["body"]) for message in client.sent[1:]]
    assert sum(sizes) == 1_000_000
    assert max(sizes) < 2 * BLOCK_SIZE
    assert [message["more_body"] for message in client.sent[1:]][-2:] == [True, False]
    assert closed == [True]


def test_an_application_that_fails_becomes_a_500_that_tells_nothing() -> None:
    def application(*_: Any) -> list[bytes]:
        raise RuntimeError("password=hunter2")

    client = Client([])
    send(client, application)

    assert client.status == 500
    assert b"internal_error" in client.body
    assert b"hunter2" not in client.body


def test_pages_of_any_origin_may_read_why_a_public_endpoint_refuses() -> None:
    client = Client([], [(b"origin", b"https://shop.com")])
    scope = {
        "path": "/api/v2/optimizations/best-variant",
        "headers": [(b"origin", b"https://shop.com")],
    }

    asyncio.run(send_refusal(scope, client.send, RequestTimeoutError("Too slow.")))

    assert client.status == 408
    assert client.get_header(b"access-control-allow-origin") == [b"https://shop.com"]


def test_a_threadless_path_is_answered_while_all_threads_are_busy() -> None:
    idents: list[int] = []

    def application(
        _environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        idents.append(threading.get_ident())
        start_response("200 OK", [])
        return [b"alive"]

    client = Client([])
    send(client, application, threads=0, threadless_paths=frozenset({"/a b"}))

    assert client.body == b"alive"
    assert idents == [threading.get_ident()]


def test_a_body_over_the_endpoints_limit_is_not_read() -> None:
    environ: dict[str, Any] = {}
    client = Client([b"x" * 20_000])

    send(client, keep_environ(environ), limit=16 * 1024)

    assert client.chunks, "nothing was received"
    assert environ["CONTENT_LENGTH"] == "20000"
    assert environ["wsgi.input"].read() == b""
    assert client.get_header(b"connection") == [b"close"]


def test_a_chunked_body_is_not_read() -> None:
    environ: dict[str, Any] = {}
    client = Client([], [(b"transfer-encoding", b"chunked")])

    send(client, keep_environ(environ))

    assert environ["HTTP_TRANSFER_ENCODING"] == "chunked"
    assert client.get_header(b"connection") == [b"close"]


@pytest.mark.parametrize("size", [10, 2 * SMALL_BODY])
def test_a_client_that_leaves_before_its_body_is_complete_reaches_no_view(
    size: int,
) -> None:
    environ: dict[str, Any] = {}
    client = Client([b"x" * size], leaves=True)

    send(client, keep_environ(environ))

    assert environ == {}
    assert client.sent == []


def test_large_bodies_beyond_the_memory_limit_get_a_503_and_small_ones_do_not() -> None:
    large, small = Client([b"x" * 2 * MB]), Client([b"x" * SMALL_BODY])

    send(large, echo, memory=MB)
    send(small, echo, memory=0)

    assert large.status == 503
    assert b"unavailable" in large.body
    assert large.get_header(b"connection") == [b"close"]
    assert small.body == b"x" * SMALL_BODY


@pytest.mark.parametrize("is_packed", [False, True])
def test_large_bodies_wait_for_their_turn(is_packed: bool) -> None:
    """Each takes the room of two, so they are never in the application together.

    So do those that are small as sent and large when they are decompressed.
    """
    body, headers = b"x" * 2 * MB, []
    if is_packed:
        body, headers = gzip.compress(body), [(b"content-encoding", b"gzip")]
        assert len(body) < SMALL_BODY
    running, most = 0, 0

    def count(
        _environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threading.Event().wait(0.05)
        running -= 1
        start_response("204 No Content", [])
        return []

    clients = [Client([body], headers) for _ in range(4)]

    send_all(clients, count, LargeBodyGate(3 * MB, 5.0))

    assert {client.status for client in clients} == {204}
    assert most == 1


def test_a_large_body_that_waits_too_long_gets_a_503_and_a_small_one_passes() -> None:
    released = threading.Event()

    def wait(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        if int(environ["CONTENT_LENGTH"]) > SMALL_BODY:
            released.wait(5)
        else:
            released.set()
        start_response("204 No Content", [])
        return []

    first, second = Client([b"x" * 2 * MB]), Client([b"x" * 2 * MB])
    small = Client([b"x"])

    send_all([first, second, small], wait, LargeBodyGate(3 * MB, 0.0))

    assert [each.status for each in (first, second, small)] == [204, 503, 204]


def test_bytes_are_given_back_when_a_body_is_done_with() -> None:
    memory = BodyMemory(100, 60)

    with memory.hold("a") as held:
        held.add(60)
        with pytest.raises(UnavailableError), memory.hold("a") as other:
            other.add(1)
        with memory.hold("b") as other:
            other.add(40)
        with pytest.raises(UnavailableError), memory.hold("c") as other:
            other.add(41)

    with memory.hold("a") as held:
        held.add(60)
