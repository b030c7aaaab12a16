"""A request leaves nothing behind that only the garbage collector would free."""

import gc
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import orjson
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from levered_site.api import slow_requests
from levered_site.wsgi import application
from tests.support import factories, optimization_factories

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = orjson.dumps({"events": [{"anonymous_id": "a", "name": "signup"}] * 100})
TOO_MANY = b'{"events":[' + b",".join([b"[]"] * 300_000) + b"]}"
INVALID = orjson.dumps({"name": 5, "unknown": [1] * 1000})


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Keep the test's connection: the WSGI application would close it per request."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def call(path: str, body: bytes, token: str) -> str:
    """Pass a request through the WSGI application and return the response's status.

    It is a GET without a body.
    """
    environ = {
        "REQUEST_METHOD": "POST" if body else "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ACCEPT": "application/json, text/event-stream",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_HOST": "localhost",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
    }
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _error: Any = None) -> Any:
        statuses.append(status)

    response = application(environ, start_response)
    b"".join(response)
    response.close()
    return statuses[0][:3]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v2/ingest/rewards", BATCH, "200"),
        ("/api/v2/ingest/rewards", TOO_MANY, "413"),
        ("/api/v2/optimizations", INVALID, "400"),
        ("/api/v2/optimizations", b"{", "400"),
        ("/mcp", TOO_MANY, "413"),
    ],
    ids=["events", "too many values", "invalid", "no JSON", "MCP"],
)
def test_the_body_of_a_request_is_freed_with_it(
    path: str, body: bytes, status: str
) -> None:
    acme = factories.make_organization()
    is_ingestion = path.startswith("/api/v2/ingest")
    token = (
        factories.make_api_key(acme) if is_ingestion else factories.admin_token(acme)
    )
    kept = list_kept_types(path, body, token, status)

    assert not kept & {"BytesIO", "WSGIRequest"}


def list_kept_types(path: str, body: bytes, token: str, status: str) -> set[str]:
    """Send a request and return the types of what only the collector would free."""
    call(path, body, token)  # what the first request loads stays
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        assert call(path, body, token) == status
        gc.collect()
        return {type(each).__name__ for each in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/models/{model}/policy",
        "/api/v2/models/{model}/state",
        "/api/v2/optimizations/{optimization}/results",
        "/api/v2/optimizations/{optimization}/report-data",
        "/api/v2/optimizations",
    ],
)
def test_the_answer_to_a_request_is_freed_with_it(path: str) -> None:
    optimization = optimization_factories.make_live_optimization()
    token = factories.admin_token(optimization.organization)
    path = path.format(model=optimization.model_id, optimization=optimization.pk)

    kept = list_kept_types(path, b"", token, "200")

    assert not kept & {"Response", "PolicyRow", "VariantState", "VariantResult"}


def test_refused_events_of_a_batch_are_freed_with_it() -> None:
    key = factories.make_api_key(factories.make_organization())
    batch = orjson.dumps({"events": [{"anonymous_id": "a", "name": 5}] * 3})

    kept = list_kept_types("/api/v2/ingest/rewards", batch, key, "400")

    assert not kept & {"InvalidItemError", "frame", "traceback"}


def test_a_large_answer_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_requests, "TURN_SECONDS", 0.1)
    optimization = optimization_factories.make_live_optimization()
    token = factories.admin_token(optimization.organization)
    path = f"/api/v2/models/{optimization.model_id}/state"

    with ExitStack() as turns:
        for _ in range(slow_requests.LARGE_ANSWERS):
            turns.enter_context(slow_requests.take_turn())
        assert call(path, b"", token) == "503"
        assert call("/api/v2/me", b"", token) == "200"

    for _ in range(slow_requests.LARGE_ANSWERS + 1):  # each gives its turn back
        assert call(path, b"", token) == "200"
