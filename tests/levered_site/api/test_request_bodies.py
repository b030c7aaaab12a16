"""Request bodies: limits, lengths and compression, as sent and as decompressed."""

import gzip
import os
import tracemalloc
import zlib
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from levered_site.api import body_limits
from levered_site.api.responses import build_success_response, json_view
from levered_site.errors import PayloadTooLargeError
from tests.support import factories

pytestmark = pytest.mark.urls(__name__)


@json_view("POST")
@body_limits.limit_body(100)
def small(request: HttpRequest) -> HttpResponse:
    return build_success_response({"length": len(request.body)})


@json_view("POST")
@body_limits.accept_gzip
@body_limits.limit_body(1000)
def packed(request: HttpRequest) -> HttpResponse:
    body = body_limits.decompress_body(request, request.body, 1000)
    return build_success_response({"length": len(body)})


urlpatterns = [
    path("small", small),
    path("packed", packed),
    path("admin/", admin.site.urls),
]


def _client(**options: Any) -> Any:  # the stubs have another type for its responses
    return Client(raise_request_exception=False, **options)


def test_a_body_over_the_endpoints_limit_is_too_large() -> None:
    right = _client().post("/small", b"x" * 100, content_type="application/json")
    over = _client().post("/small", b"x" * 101, content_type="application/json")

    assert right.status_code == 200
    assert (over.status_code, factories.read_error(over)["code"]) == (
        413,
        "payload_too_large",
    )


def test_a_body_of_unknown_length_is_refused() -> None:
    answer = _client().generic(
        "POST", "/small", b"", headers={"Transfer-Encoding": "chunked"}
    )

    assert (answer.status_code, factories.read_error(answer)["code"]) == (
        411,
        "bad_request",
    )


def test_a_compressed_body_is_refused() -> None:
    plain = _client().generic(
        "POST", "/small", b"x", headers={"Content-Encoding": "identity"}
    )
    answer = _client().generic(
        "POST", "/small", b"x", headers={"Content-Encoding": "gzip"}
    )

    assert plain.status_code == 200
    assert (answer.status_code, factories.read_error(answer)["code"]) == (
        415,
        "unsupported_media_type",
    )


def _post_packed(body: bytes, encoding: str = "gzip") -> HttpResponse:
    answer: HttpResponse = _client().generic(
        "POST", "/packed", body, headers={"Content-Encoding": encoding}
    )
    return answer


@pytest.mark.parametrize("encoding", ["gzip", " GZIP", "x-gzip"])
def test_an_endpoint_may_accept_gzip(encoding: str) -> None:
    answer = _post_packed(gzip.compress(b"x" * 1000), encoding)

    assert answer.status_code == 200
    assert factories.read_body(answer)["length"] == 1000


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip"])
def test_an_endpoint_that_accepts_gzip_refuses_other_encodings(encoding: str) -> None:
    answer = _post_packed(gzip.compress(b"x"), encoding)

    assert (answer.status_code, factories.read_error(answer)["code"]) == (
        415,
        "unsupported_media_type",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        gzip.compress(b"x" * 500)[:-1],
        gzip.compress(b"x" * 500)[:-8] + b"12345678",
        gzip.compress(b"x" * 500)[:-4] + (499).to_bytes(4, "little"),
        gzip.compress(b"x") + b"rest",
        gzip.compress(b"x") + gzip.compress(b"y"),
        gzip.compress(b"x" * 500) + gzip.compress(b"y"),
        zlib.compress(b"x"),
    ],
    ids=[
        *("empty", "text", "cut", "wrong sum", "wrong length", "more"),
        *("two members", "a small second member", "zlib"),
    ],
)
def test_a_body_that_is_not_one_gzip_member_is_a_bad_request(body: bytes) -> None:
    answer = _post_packed(body)

    error = factories.read_error(answer)
    assert (answer.status_code, error["code"]) == (400, "bad_request")
    assert "gzip" in error["message"]


def test_a_compressed_body_is_limited_as_sent_and_as_decompressed() -> None:
    bomb = gzip.compress(bytes(200_000))
    assert len(bomb) < 1000
    noise = gzip.compress(os.urandom(1100))

    assert [_post_packed(body).status_code for body in (bomb, noise)] == [413, 413]


def test_a_bomb_is_not_decompressed_beyond_the_limit() -> None:
    request = RequestFactory().post("/packed", headers={"Content-Encoding": "gzip"})
    bomb = gzip.compress(bytes(50 * body_limits.MB))
    tracemalloc.start()

    with pytest.raises(PayloadTooLargeError):
        body_limits.decompress_body(request, bomb, body_limits.MB)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * body_limits.MB


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "9" * 50])
def test_an_invalid_length_is_refused(length: str) -> None:
    answer = _client().generic("POST", "/small", b"x", CONTENT_LENGTH=length)

    factories.read_error(answer)
    assert answer.status_code in {400, 413}
