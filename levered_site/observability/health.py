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

from levered_site.api import answers
from levered_site.api.openapi import described
from levered_site.celery import app
from levered_site.errors import FieldProblem, UnavailableError

# A probe that waits longer is itself taken for dead; libpq waits no less than 2.
CONNECT_SECONDS = 2
ANSWER_SECONDS = 1.0

log = structlog.get_logger(__name__)


def _operation(summary: str) -> dict[str, Any]:
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


@described(get=_operation("This process answers"))
@answers.json_view("GET", "HEAD")
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers. No store is asked."""
    return answers.success({"status": "ok"})


@described(get=_operation("Database, cache and broker answer"))
@answers.json_view("GET", "HEAD")
def readyz(_request: HttpRequest) -> HttpResponse:
    """Ask each store on a connection of its own; 503 names the ones that are away."""
    found = {name: _state(name, ask) for name, ask in _STORES.items()}
    if set(found.values()) == {"ok"}:
        return answers.success({"status": "ok", **found})
    away = ", ".join(name for name, state in found.items() if state != "ok")
    raise UnavailableError(
        f"Not ready: {away}.",
        [FieldProblem(name, state) for name, state in found.items()],
        retry_after=1,
    )


def _state(name: str, ask: Callable[[], object]) -> str:
    """Give "ok" or "error"; what exactly is wrong stands in the log, not in public."""
    try:
        ask()
    except (psycopg.Error, redis.RedisError, KombuError, OSError) as error:
        log.warning("store away", store=name, error=str(error))
        return "error"
    return "ok"


def ask_database() -> None:
    """Open a connection and run a statement. Raises psycopg.Error."""
    parameters = connection.get_connection_params() | {
        "connect_timeout": CONNECT_SECONDS
    }
    with psycopg.connect(**parameters) as own:
        own.execute("SELECT 1")


def ask_cache() -> None:
    """Ping Valkey or Redis. Raises redis.RedisError."""
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
    ) as client:
        client.ping()


def waiting_jobs() -> int:
    """Ask the broker how many jobs no worker has taken yet.

    Raises KombuError or OSError, of Redis its own RedisError.
    """
    with _broker() as own, own.SimpleQueue(app.conf.task_default_queue) as queue:
        try:
            return int(queue.qsize())
        except own.channel_errors:  # Redis keeps no empty list: no such queue
            return 0


def _broker() -> Connection:
    timeouts = {
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": ANSWER_SECONDS,
    }
    return app.connection_for_write(transport_options=timeouts)


_STORES: dict[str, Callable[[], object]] = {
    "database": ask_database,
    "cache": ask_cache,
    "broker": waiting_jobs,
}
