"""WsgiBridge without a server: what the WSGI application gets, what the client gets."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from levered_site.errors import RequestTimeoutError
from levered_site.web.refusals import send_refusal
from levered_site.web.wsgi_call import BLOCK_SIZE
from tests.support.wsgi_client import Client, echo, keep_environ, send


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
