"""Liveness probe of this process; readiness probe of the database, cache and broker."""

from collections.abc import Callable
from typing import Any

import psycopg
import redis
import structlog
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from kombu import Connection
from kombu.exceptions import KombuError

from levered_site.api import responses
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.api.openapi import describe_operations
from levered_site.celery import app
from levered_site.errors import FieldProblem, UnavailableError

# The minimum of libpq.
CONNECT_TIMEOUT_SECONDS = 2
# Whoever calls a slower probe counts it as failed.
RESPONSE_TIMEOUT_SECONDS = 1.0

log = structlog.get_logger(__name__)


def _describe_probe(description: str, success: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "enum": ["ok"]}},
    }
    content = {"application/json": {"schema": schema}}
    return {
        "description": description,
        "security": [],
        "responses": {"200": {"description": success, "content": content}},
    }


@describe_operations(get=_describe_probe("Contacts no store.", "The process is alive"))
@responses.json_view("GET", "HEAD", query_parameters=None)
def check_liveness(_request: HttpRequest) -> HttpResponse:
    """Answer without contacting the database, cache or broker."""
    return responses.build_success_response({"status": "ok"})


@describe_operations(
    get=_describe_probe(
        "Contacts each store over a new connection; a 503 names those that failed.",
        "Every store responds",
    )
)
@responses.json_view("GET", "HEAD", query_parameters=None)
def check_readiness(_request: HttpRequest) -> HttpResponse:
    """Contact each store over a new connection; a 503 names those that failed."""
    states = {name: _check_store(name, ping) for name, ping in _STORE_PINGS.items()}
    if set(states.values()) == {"ok"}:
        return responses.build_success_response({"status": "ok", **states})
    failed_names = ", ".join(name for name, state in states.items() if state != "ok")
    raise UnavailableError(
        f"The service is not ready: {failed_names} failed to answer.",
        [FieldProblem(name, state) for name, state in states.items()],
        retry_after=1,
    )


def _check_store(name: str, ping: Callable[[], object]) -> str:
    """Return "ok" or "error".

    The cause goes to the log, because anyone may read the probe.
    """
    try:
        ping()
    except (psycopg.Error, KombuError, *CACHE_ERRORS) as error:
        log.warning("store away", store=name, error=str(error))
        return "error"
    return "ok"


def ping_database() -> None:
    """Open a connection and run a statement. Raises psycopg.Error."""
    parameters = connection.get_connection_params() | {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS
    }
    with psycopg.connect(**parameters) as new_connection:
        new_connection.execute("SELECT 1")


def ping_cache() -> None:
    """Ping Valkey or Redis. Raises redis.RedisError."""
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=RESPONSE_TIMEOUT_SECONDS,
        socket_connect_timeout=RESPONSE_TIMEOUT_SECONDS,
    ) as client:
        client.ping()


def count_waiting_tasks() -> int:
    """Return how many tasks in the broker no worker has taken yet.

    Raises KombuError, OSError or redis.RedisError.
    """
    with (
        _connect_broker() as broker,
        broker.SimpleQueue(app.conf.task_default_queue) as queue,
    ):
        try:
            return int(queue.qsize())
        except broker.channel_errors:
            # Redis deletes an empty list, so kombu finds no queue.
            return 0


def _connect_broker() -> Connection:
    timeouts = {
        "socket_timeout": RESPONSE_TIMEOUT_SECONDS,
        "socket_connect_timeout": RESPONSE_TIMEOUT_SECONDS,
    }
    return app.connection_for_write(transport_options=timeouts)


_STORE_PINGS: dict[str, Callable[[], object]] = {
    "database": ping_database,
    "cache": ping_cache,
    "broker": count_waiting_tasks,
}
