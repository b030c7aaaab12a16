"""Locks and receipts: claimed in groups, durable before the answer leaves."""

import os
import secrets
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Lock as Mutex, Thread
from time import monotonic
from typing import Any, Final

import psycopg
import structlog
from django.db import close_old_connections, connections
from psycopg import errors

from levered_site.errors import LeveredError, UnavailableError
from optimizations import patience
from optimizations.models import Assignment
from optimizations.published import Proposal
from warehouse import partitions

log = structlog.get_logger(__name__)

LARGEST_BATCH: Final = 400
LONGEST_WAIT = patience.LONGEST_WAIT
STATEMENT_TIMEOUT = "5s"  # a batch behind somebody's lock; its clients have left before
BUSY = "The decision could not be stored in time; try again."

# One statement, so that a lock and its receipt are there together or not at all.
# Sorted by key: two processes never wait for each other crosswise. The receipt's id
# comes with the claim, so that a batch sent twice writes nothing twice, and a lock
# whose `decision_id` is the claim's own is known to be new.
CLAIM = """
WITH asked AS MATERIALIZED (
  SELECT * FROM unnest(
    %b::uuid[], %b::text[], %b::text[], %b::int2[], %b::text[], %b::text[],
    %b::bool[], %b::int4[], %b::float8[], %b::timestamptz[], %b::int8[]
  ) AS a (optimization_id, anonymous_id, organization_id, variant_number, variant,
          context, in_holdout, policy_version, propensity, decided_at, decision_id)
), barred AS MATERIALIZED (
  SELECT * FROM unnest(%b::uuid[], %b::int2[]) AS b (optimization_id, variant_number)
), kept AS (
  INSERT INTO assignments AS mine
    (optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
     propensity, decided_at, decision_id)
  SELECT optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
         propensity, decided_at, decision_id
  FROM asked
  ON CONFLICT (optimization_id, anonymous_id) DO UPDATE SET
    (variant_number, in_holdout, policy_version, propensity, decided_at, decision_id) =
    (SELECT
       CASE WHEN anew THEN excluded.variant_number ELSE mine.variant_number END,
       mine.in_holdout,
       CASE WHEN anew THEN excluded.policy_version ELSE mine.policy_version END,
       CASE WHEN anew THEN excluded.propensity ELSE mine.propensity END,
       CASE WHEN anew THEN excluded.decided_at ELSE mine.decided_at END,
       CASE WHEN anew THEN excluded.decision_id ELSE mine.decision_id END
     FROM (SELECT NOT excluded.in_holdout AND EXISTS (
             SELECT FROM barred
             WHERE barred.optimization_id = mine.optimization_id
               AND barred.variant_number = mine.variant_number) AS anew) AS redraw)
  RETURNING optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
            propensity, decided_at, decision_id
), receipts AS (
  INSERT INTO decisions
    (id, organization_id, optimization_id, anonymous_id, variant_number, variant,
     context, in_holdout, policy_version, propensity, decided_at)
  SELECT decision_id, organization_id, asked.optimization_id, asked.anonymous_id,
         asked.variant_number, variant, context, asked.in_holdout,
         asked.policy_version, asked.propensity, asked.decided_at
  FROM asked JOIN kept USING (decision_id)
  ON CONFLICT DO NOTHING
)
SELECT * FROM kept
"""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Locked:
    """What a user keeps. `sticky` is false for the claim that made the lock."""

    variant_number: int
    in_holdout: bool
    policy_version: int
    propensity: float
    decided_at: datetime
    sticky: bool


@dataclass(slots=True)
class _Ticket:
    """One claim in the queue; abandoned after `deadline` (monotonic)."""

    proposal: Proposal
    deadline: float
    decision_id: int = field(default_factory=lambda: secrets.randbits(63))
    answer: "Future[Locked]" = field(default_factory=Future)

    @property
    def key(self) -> Key:
        return self.proposal.snapshot.optimization_id, self.proposal.anonymous_id


class _Committer:
    """One thread of this process that turns waiting claims into one statement."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start afresh: a fork copies the queue and not the thread."""
        self._waiting: SimpleQueue[_Ticket] = SimpleQueue()
        self._starting = Mutex()
        self._thread: Thread | None = None
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._busy_since: float | None = None

    def submit(self, ticket: _Ticket) -> None:
        """Queue a claim. Raises UnavailableError when the batch before it is overdue."""
        since = self._busy_since
        if since is not None and monotonic() - since > LONGEST_WAIT:
            raise UnavailableError(BUSY, retry_after=1)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="locks", daemon=True)
                    self._thread.start()
        self._waiting.put(ticket)

    def _run(self) -> None:
        while True:
            batch = self._gather()
            self._busy_since = monotonic()
            try:
                self._settle(batch)
            except Exception as error:
                log.exception("locks.failed")
                _fail(batch, error)
            self._busy_since = None

    def _gather(self) -> list[_Ticket]:
        """Take what waits, without lingering; leave out whom nobody waits for."""
        batch = [self._waiting.get()]
        while len(batch) < LARGEST_BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except Empty:
                break
        now = monotonic()
        return [ticket for ticket in batch if ticket.deadline > now]

    def _settle(self, batch: list[_Ticket]) -> None:
        """Commit a batch and answer it; of several claims of one user the first counts."""
        groups: dict[Key, list[_Ticket]] = {}
        for ticket in batch:
            groups.setdefault(ticket.key, []).append(ticket)
        if not groups:
            return
        leaders = [_leader(groups[key]) for key in sorted(groups)]
        try:
            rows = self._commit(leaders)
        except psycopg.OperationalError as error:
            log.warning("locks.away", error=str(error))
            _fail(batch, UnavailableError(BUSY, retry_after=1))
            return
        for row in rows:
            _answer(groups[str(row[0]), row[1]], row)

    def _commit(self, leaders: list[_Ticket]) -> list[tuple[Any, ...]]:
        """Run the statement; once more on a fresh connection, or with the day made."""
        parameters = _parameters(leaders)
        try:
            return self._execute(parameters)
        except errors.CheckViolation:
            days = {t.proposal.decided_at.date() for t in leaders}
            close_old_connections()
            partitions.ensure("decisions", sorted(days))
        except psycopg.OperationalError as error:
            self._drop()
            if isinstance(error, errors.QueryCanceled):
                raise
        return self._execute(parameters)

    def _execute(self, parameters: list[Any]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = _connect()
        return self._connection.execute(CLAIM, parameters, prepare=True).fetchall()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_committer = _Committer()
os.register_at_fork(after_in_child=_committer.reset)


def claim(proposal: Proposal) -> Locked:
    """Lock the proposed variant for the user, or learn what they keep already.

    Returns once the lock and its receipt are on disk. A lock on a variant that the
    proposal's snapshot bars is drawn anew as proposed, unless the proposal is the
    holdout's: then the barred lock comes back and the caller proposes a draw. Raises
    UnavailableError after LONGEST_WAIT; the claim may still be stored then, and a repeat
    finds it.
    """
    ticket = _Ticket(proposal, monotonic() + LONGEST_WAIT)
    _committer.submit(ticket)
    try:
        return ticket.answer.result(LONGEST_WAIT)
    except TimeoutError as error:
        raise UnavailableError(BUSY, retry_after=1) from error


def find(optimization_id: str, anonymous_id: str) -> Locked | None:
    """Look a lock up and write nothing. Raises UnavailableError after LONGEST_WAIT."""
    return patience.ask(_find, optimization_id, anonymous_id)


def _find(optimization_id: str, anonymous_id: str) -> Locked | None:
    row = Assignment.objects.filter(
        optimization_id=optimization_id, anonymous_id=anonymous_id
    ).first()
    if row is None:
        return None
    return Locked(
        variant_number=row.variant_number,
        in_holdout=row.in_holdout,
        policy_version=row.policy_version,
        propensity=row.propensity,
        decided_at=row.decided_at,
        sticky=True,
    )


def _leader(tickets: list[_Ticket]) -> _Ticket:
    """Of one user's claims, the first of those that know the newest state."""
    return max(tickets, key=lambda ticket: ticket.proposal.snapshot.version)


def _answer(tickets: list[_Ticket], row: tuple[Any, ...]) -> None:
    _, _, number, in_holdout, version, propensity, decided_at, decision_id = row
    for ticket in tickets:
        locked = Locked(
            variant_number=number,
            in_holdout=in_holdout,
            policy_version=version,
            propensity=propensity,
            decided_at=decided_at,
            sticky=decision_id != ticket.decision_id,
        )
        ticket.answer.set_result(locked)


def _fail(tickets: list[_Ticket], error: Exception) -> None:
    told = error if isinstance(error, LeveredError) else RuntimeError("claim failed")
    for ticket in tickets:
        if not ticket.answer.done():
            ticket.answer.set_exception(told)


def _parameters(leaders: list[_Ticket]) -> list[Any]:
    """Lay the claims out as one array per column, and the barred variants after."""
    rows = [
        (
            t.proposal.snapshot.optimization_id,
            t.proposal.anonymous_id,
            t.proposal.snapshot.organization_id,
            t.proposal.card.number,
            t.proposal.card.key,
            t.proposal.context.recorded,
            t.proposal.in_holdout,
            t.proposal.snapshot.policy_version,
            t.proposal.propensity,
            t.proposal.decided_at,
            t.decision_id,
        )
        for t in leaders
    ]
    newest = {}
    for snapshot in sorted(
        (t.proposal.snapshot for t in leaders), key=lambda one: one.version
    ):
        newest[snapshot.optimization_id] = snapshot
    barred = [(key, number) for key, one in newest.items() for number in one.barred]
    columns = [list(column) for column in zip(*rows, strict=True)]
    return [*columns, [key for key, _ in barred], [number for _, number in barred]]


def _connect() -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection of our own: the committer's statement is all that it sees."""
    known = connections["default"].get_connection_params()
    wanted = {
        name: value
        for name, value in known.items()
        if name not in {"cursor_factory", "context", "prepare_threshold"}
    }
    wanted["connect_timeout"] = 2
    wanted["tcp_user_timeout"] = 5000
    wanted["application_name"] = "levered locks"
    connection = psycopg.connect(**wanted, autocommit=True)
    connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    connection.execute("SET timezone = 'UTC'")
    return connection
