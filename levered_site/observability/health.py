"""Whether the service is alive, and whether it can work: database, cache, broker."""

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
from levered_site.api.openapi import describe_operations
from levered_site.celery import app
from levered_site.errors import FieldProblem, UnavailableError

# A probe that waits longer is itself taken for dead; libpq waits no less than 2.
CONNECT_TIMEOUT_SECONDS = 2
RESPONSE_TIMEOUT_SECONDS = 1.0

log = structlog.get_logger(__name__)


def _describe_probe(summary: str) -> dict[str, Any]:
    shape = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "enum": ["ok"]}},
    }
    content = {"application/json": {"schema": shape}}
    return {
        "summary": summary,
        "tags": ["operations"],
        "security": [],
        "responses": {"200": {"description": summary, "content": content}},
    }


@describe_operations(get=_describe_probe("This process answers"))
@responses.json_view("GET", "HEAD")
def check_liveness(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers. No store is asked."""
    return responses.build_success_response({"status": "ok"})


@describe_operations(get=_describe_probe("Database, cache and broker answer"))
@responses.json_view("GET", "HEAD")
def check_readiness(_request: HttpRequest) -> HttpResponse:
    """Ask each store on a connection of its own; 503 names the ones that are away."""
    found = {name: _check_store(name, ask) for name, ask in _STORE_CHECKS.items()}
    if set(found.values()) == {"ok"}:
        return responses.build_success_response({"status": "ok", **found})
    away = ", ".join(name for name, state in found.items() if state != "ok")
    raise UnavailableError(
        f"Not ready: {away}.",
        [FieldProblem(name, state) for name, state in found.items()],
        retry_after=1,
    )


def _check_store(name: str, ask: Callable[[], object]) -> str:
    """Give "ok" or "error"; what exactly is wrong stands in the log, not in public."""
    try:
        ask()
    except (psycopg.Error, redis.RedisError, KombuError, OSError) as error:
        log.warning("store away", store=name, error=str(error))
        return "error"
    return "ok"


def ping_database() -> None:
    """Open a connection and run a statement. Raises psycopg.Error."""
    parameters = connection.get_connection_params() | {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS
    }
    with psycopg.connect(**parameters) as own:
        own.execute("SELECT 1")


def ping_cache() -> None:
    """Ping Valkey or Redis. Raises redis.RedisError."""
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=RESPONSE_TIMEOUT_SECONDS,
        socket_connect_timeout=RESPONSE_TIMEOUT_SECONDS,
    ) as client:
        client.ping()


def count_waiting_jobs() -> int:
    """Ask the broker how many jobs no worker has taken yet.

    Raises KombuError or OSError, of Redis its own RedisError.
    """
    with (
        _connect_broker() as own,
        own.SimpleQueue(app.conf.task_default_queue) as queue,
    ):
        try:
            return int(queue.qsize())
        except own.channel_errors:  # Redis keeps no empty list: no such queue
            return 0


def _connect_broker() -> Connection:
    timeouts = {
        "socket_timeout": RESPONSE_TIMEOUT_SECONDS,
        "socket_connect_timeout": RESPONSE_TIMEOUT_SECONDS,
    }
    return app.connection_for_write(transport_options=timeouts)


_STORE_CHECKS: dict[str, Callable[[], object]] = {
    "database": ping_database,
    "cache": ping_cache,
    "broker": count_waiting_jobs,
}
