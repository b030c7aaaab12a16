"""CORS: public endpoints answer every origin, the other ones the configured origins."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from levered_site.api import cors

ID = uuid.UUID(int=7)
SERVE = f"/api/v2/optimizations/{ID}/serve"
ORIGIN = "https://shop.example"
TRACING_HEADERS = "baggage,content-type,sentry-trace,traceparent,x-datadog-trace-id"
MALFORMED_PATHS = (
    "/api/v2/optimizations/undefined/serve",
    "/api/v2/optimizations//serve",
    "/api/v2/optimizations/[object%20Object]/serve",
    "/api/v2/optimizations/null/policy",
    f"{SERVE}/",
    f"{SERVE};a=1",
    f"{SERVE}/x",
    f"{SERVE}%0A",
    f"/api/v2/optimizations/{ID}/Serve",
    "/api/v2/optimizations/a/b/serve",
    "/api/v2/optimizations/undefined",
    "/api/v2/nothing",
    f"/optimizations/{ID}/serve",
    f"/api/v1/optimizations/{ID}/serve",
    "/",
    f"{SERVE}?x=%00",
    "/api/v2/optimizations/%00/serve",
    "/api/v2//optimizations/best-variant",
    "/api/v2/optimizations/best-variants/",
)


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]


def _preflight(path: str, origin: str, **headers: str) -> HttpResponse:
    response: Any = Client().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,idempotency-key",
            **headers,
        },
    )
    assert isinstance(response, HttpResponse)
    return response


def _assert_readable(response: HttpResponse, origin: str = ORIGIN) -> None:
    assert response["Access-Control-Allow-Origin"] == origin
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert "X-Request-Id" in response["Access-Control-Expose-Headers"]
    assert "origin" in response["Vary"].lower()


def test_a_configured_origin_may_use_management_endpoints() -> None:
    answer = _preflight("/api/v2/optimizations", "https://app.example")

    assert answer["Access-Control-Allow-Origin"] == "https://app.example"
    assert "idempotency-key" in answer["Access-Control-Allow-Headers"]


def test_a_configured_origin_may_read_a_429(
    settings: Settings,
) -> None:
    cache.clear()
    settings.RATELIMIT_GLOBAL = "1/d"
    origin = "https://app.example"

    answers = [
        Client().get("/api/v2/nothing", headers={"Origin": origin}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [404, 429]
    assert answers[1]["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/optimizations",
        f"/api/v2/optimizations/{ID}",
        f"/api/v2/optimizations/{ID}/decisions/serve",
        f"/api/v2/models/{ID}/policy",
        "/healthz",
    ],
)
def test_another_origin_may_not_use_management_endpoints(path: str) -> None:
    preflight = _preflight(path, "https://evil.example")
    answer = Client().get(path, headers={"Origin": "https://evil.example"})

    assert "Access-Control-Allow-Origin" not in preflight
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("path", [SERVE, "/api/v2/optimizations/best-variant"])
@pytest.mark.parametrize("origin", ["https://app.example", ORIGIN, "null"])
def test_any_origin_may_use_serve(path: str, origin: str) -> None:
    answer = _preflight(path, origin)

    assert answer.status_code == 204
    assert not answer.content
    assert "POST" in answer["Access-Control-Allow-Methods"]
    _assert_readable(answer, origin)


@pytest.mark.parametrize("path", [SERVE, *MALFORMED_PATHS])
def test_a_preflight_allows_the_headers_that_tracing_sdks_add(path: str) -> None:
    headers = {"Access-Control-Request-Headers": TRACING_HEADERS}
    answer = _preflight(path, ORIGIN, **headers)

    assert answer.status_code == 204
    allowed = answer["Access-Control-Allow-Headers"].split(", ")
    assert allowed == TRACING_HEADERS.split(",")
    assert int(answer["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Private-Network" not in answer
    _assert_readable(answer)


def test_a_preflight_allows_a_public_page_to_reach_a_private_network() -> None:
    headers = {"Access-Control-Request-Private-Network": "true"}

    answer = _preflight(SERVE, ORIGIN, **headers)

    assert answer["Access-Control-Allow-Private-Network"] == "true"


def test_a_preflight_is_not_counted_against_the_limit(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "1/d"

    answers = [_preflight(path, ORIGIN) for path in (SERVE, *MALFORMED_PATHS)]

    assert {answer.status_code for answer in answers} == {204}


@pytest.mark.parametrize("path", MALFORMED_PATHS)
def test_any_origin_may_read_why_an_address_is_malformed(path: str) -> None:
    answer: Any = Client().post(
        path, "{}", "application/json", headers={"Origin": ORIGIN}
    )

    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["message"]
    _assert_readable(answer)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 405),
        ("PUT", {}, 405),
        ("POST", {"Transfer-Encoding": "chunked"}, 411),
        ("POST", {"Content-Encoding": "gzip"}, 415),
        ("POST", {"Content-Length": "16385"}, 413),
        ("POST", {"Content-Length": "x"}, 400),
        ("POST", {"Host": "not a host"}, 400),
    ],
)
@pytest.mark.parametrize("path", [SERVE, "/api/v2/optimizations/best-variant"])
def test_any_origin_may_read_a_refusal(
    settings: Settings, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    answer: Any = Client().generic(method, path, headers={"Origin": ORIGIN, **headers})

    assert answer.status_code == status
    assert answer.json()["error"]["code"]
    _assert_readable(answer)


def test_any_origin_may_read_a_429_of_a_malformed_address(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "1/d"
    path = "/api/v2/optimizations/undefined/serve"

    answers: list[Any] = [
        Client().post(path, headers={"Origin": ORIGIN}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [404, 429]
    _assert_readable(answers[1])


def test_a_configured_origin_reads_an_unknown_path_as_any_other() -> None:
    origin = "https://app.example"

    preflight = _preflight("/api/v2/nothing", origin)
    answer: Any = Client().get("/api/v2/nothing", headers={"Origin": origin})

    assert answer.status_code == 404
    for response in (preflight, answer):
        assert response["Access-Control-Allow-Origin"] == origin


def test_an_answer_without_an_origin_is_for_all() -> None:
    answer = Client().post(SERVE, "{}", "application/json")

    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Origin" in answer["Vary"]


@pytest.mark.parametrize(
    "origin",
    ["", "a b", "https://a.b\r\nX-Evil: 1", "https://ä", f"https://{'a' * 300}", "x,y"],
)
def test_an_origin_that_no_browser_sends_is_not_echoed(origin: str) -> None:
    headers = dict(cors.build_public_cors_headers(origin))

    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    ("requested", "allowed"),
    [
        (None, cors.DEFAULT_ALLOWED_HEADERS),
        ("", cors.DEFAULT_ALLOWED_HEADERS),
        (" X-A ,x-b", "X-A, x-b"),
        ("x-a, x b, x-c\r\nevil: 1, é", "x-a"),
        (f"{'a' * 101}, x-a", "x-a"),
        (",".join("a" * 10_000), ", ".join("a" * cors.MAX_REQUESTED_HEADERS)),
    ],
)
def test_only_header_names_are_echoed_and_not_without_end(
    requested: str | None, allowed: str
) -> None:
    headers = dict(cors.build_preflight_headers(ORIGIN, requested))

    assert headers["Access-Control-Allow-Headers"] == allowed


def _list_routes(
    patterns: list[Any], prefix: str = "/"
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _list_routes(pattern.url_patterns, path)
        else:
            yield path, pattern


def test_the_endpoints_of_any_origin_are_those_of_the_path_rule() -> None:
    routes = [
        (path, cors.is_public_endpoint(pattern.callback))
        for path, pattern in _list_routes(get_resolver().url_patterns)
        if path.startswith("/api/v2/")
    ]

    assert len(routes) > 40
    for path, is_public in routes:
        assert cors.is_public_path(path) == is_public, path
