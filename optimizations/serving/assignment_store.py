"""Execute the statements of assignments on connections of the loop."""

import os
import time
from asyncio import wrap_future
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import psycopg
import structlog
from django.db import connections
from psycopg import AsyncConnection, errors
from psycopg.rows import class_row, scalar_row

from levered_site.array_literals import format_array
from levered_site.errors import UnavailableError
from optimizations.serving import assignment_sql, database_timeout
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.assignment_sql import AssignmentRow
from optimizations.serving.batching import STORE_BUSY_MESSAGE, Key
from optimizations.serving.snapshot import Proposal
from warehouse import partitions

R = TypeVar("R")
Claims = Sequence[tuple[int, Proposal]]
Connection = AsyncConnection[Any]

log = structlog.get_logger(__name__)

# For a batch that waits for another transaction's lock. Its clients gave up before.
STATEMENT_TIMEOUT: Final = "5s"
# The server is away, or it is a replica that was not promoted yet.
AWAY_ERRORS: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
)
# Django's parameters that a plain psycopg connection does not take.
DJANGO_ONLY_PARAMETERS: Final = {"cursor_factory", "context", "prepare_threshold"}


class _Connections:
    """Connections that are open and not in use. Each batch takes one and returns it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all: a fork must not use its parent's."""
        self._idle: list[Connection] = []
        self.logged_at = 0.0

    async def take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return await _open_connection()

    def give_back(self, connection: Connection) -> None:
        self._idle.append(connection)

    async def close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()


_connections = _Connections()
os.register_at_fork(after_in_child=_connections.reset)


async def insert_new(claims: Claims) -> set[int]:
    """Store the claims of users without an assignment; return their decision ids.

    Raises UnavailableError if the database does not answer.
    """
    parameters = assignment_sql.build_claim_parameters(claims)
    return await _store(claims, assignment_sql.INSERT_ASSIGNMENTS, parameters)


async def replace_existing(claims: Claims, replaced: Sequence[int]) -> set[int]:
    """Store redraws whose `replaced` decision is still in force; return their ids.

    Raises UnavailableError if the database does not answer.
    """
    parameters = [
        *assignment_sql.build_claim_parameters(claims),
        format_array(replaced),
    ]
    return await _store(claims, assignment_sql.REPLACE_ASSIGNMENTS, parameters)


async def select_existing(keys: Sequence[Key]) -> dict[Key, AssignedVariant]:
    """Return the assignments that there are.

    Raises UnavailableError if the database does not answer.
    """
    parameters = assignment_sql.build_key_parameters(keys)

    async def select_rows(connection: Connection) -> list[AssignmentRow]:
        async with connection.cursor(row_factory=class_row(AssignmentRow)) as cursor:
            await cursor.execute(
                assignment_sql.SELECT_ASSIGNMENTS, parameters, prepare=True
            )
            return await cursor.fetchall()

    rows = await _retry_once(select_rows)
    return {
        (str(row.optimization_id), row.anonymous_id): _build_assigned(row)
        for row in rows
    }


def build_busy_error() -> UnavailableError:
    """Return the error of a decision that could not be stored."""
    return UnavailableError(STORE_BUSY_MESSAGE, retry_after=1)


async def _store(claims: Claims, statement: bytes, parameters: list[str]) -> set[int]:
    """Execute a statement; create a missing day partition and execute it again."""

    async def execute(connection: Connection) -> set[int]:
        async with connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(statement, parameters, prepare=True)
            return set(await cursor.fetchall())

    try:
        return await _retry_once(execute)
    except errors.CheckViolation:
        days = sorted({proposal.decided_at.date() for _, proposal in claims})
        await wrap_future(
            database_timeout.start_in_thread(
                partitions.ensure_partitions, "decisions", days
            )
        )
    return await _retry_once(execute)


async def _retry_once(run: Callable[[Connection], Awaitable[R]]) -> R:
    """Run a statement; if its connection broke, run it again on a fresh one."""
    try:
        try:
            return await _run_on_connection(run)
        except AWAY_ERRORS as error:
            if isinstance(error, errors.QueryCanceled):
                raise
            await _connections.close_idle()
        return await _run_on_connection(run)
    except AWAY_ERRORS as error:
        _log_outage(error)
        raise build_busy_error() from error


def _log_outage(error: Exception) -> None:
    """Log once a second: under load there are hundreds of batches a second."""
    now = time.monotonic()
    if now - _connections.logged_at >= 1:
        _connections.logged_at = now
        log.warning("assignments.away", error=str(error))


async def _run_on_connection(run: Callable[[Connection], Awaitable[R]]) -> R:
    connection = await _connections.take()
    try:
        result = await run(connection)
    except psycopg.Error as error:
        if isinstance(error, AWAY_ERRORS):
            await connection.close()
        else:
            _connections.give_back(connection)
        raise
    _connections.give_back(connection)
    return result


async def _open_connection() -> Connection:
    parameters = {
        name: value
        for name, value in connections["default"].get_connection_params().items()
        if name not in DJANGO_ONLY_PARAMETERS
    }
    parameters["connect_timeout"] = 2
    parameters["tcp_user_timeout"] = 5000
    parameters["application_name"] = "levered assignments"
    connection = await AsyncConnection.connect(**parameters, autocommit=True)
    await connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    await connection.execute("SET timezone = 'UTC'")
    return connection


def _build_assigned(row: AssignmentRow) -> AssignedVariant:
    return AssignedVariant(
        variant_number=row.variant_number,
        in_holdout=row.in_holdout,
        policy_version=row.policy_version,
        propensity=row.propensity,
        decided_at=row.decided_at,
        sticky=True,
        decision_id=row.decision_id,
        redraws=row.redraws,
    )
