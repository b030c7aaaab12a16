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
from django.db import close_old_connections
from psycopg import errors

from levered_site.errors import LeveredError, UnavailableError
from optimizations.models import Assignment
from optimizations.serving import assignment_sql, database_timeout
from optimizations.serving.snapshot import Proposal
from warehouse import partitions

log = structlog.get_logger(__name__)

MAX_BATCH_SIZE: Final = 400
MAX_WAIT_SECONDS = database_timeout.MAX_WAIT_SECONDS
STORE_BUSY_MESSAGE = "The decision could not be stored in time; try again."

AssignmentKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class AssignedVariant:
    """What a user keeps. `sticky` is false for the claim that made the lock."""

    variant_number: int
    in_holdout: bool
    policy_version: int
    propensity: float
    decided_at: datetime
    sticky: bool


@dataclass(slots=True)
class _PendingAssignment:
    """One claim in the queue; abandoned after `deadline` (monotonic)."""

    proposal: Proposal
    deadline: float
    decision_id: int = field(default_factory=lambda: secrets.randbits(63))
    answer: "Future[AssignedVariant]" = field(default_factory=Future)

    @property
    def key(self) -> AssignmentKey:
        return self.proposal.snapshot.optimization_id, self.proposal.anonymous_id


class _GroupCommitter:
    """One thread of this process that turns waiting claims into one statement."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start afresh: a fork copies the queue and not the thread."""
        self._waiting: SimpleQueue[_PendingAssignment] = SimpleQueue()
        self._starting = Mutex()
        self._thread: Thread | None = None
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._busy_since: float | None = None

    def submit(self, ticket: _PendingAssignment) -> None:
        """Queue a claim. Raises UnavailableError when the batch before it is overdue."""
        since = self._busy_since
        if since is not None and monotonic() - since > MAX_WAIT_SECONDS:
            raise UnavailableError(STORE_BUSY_MESSAGE, retry_after=1)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = Thread(
                        target=self._run_forever, name="locks", daemon=True
                    )
                    self._thread.start()
        self._waiting.put(ticket)

    def _run_forever(self) -> None:
        while True:
            batch = self._take_batch()
            self._busy_since = monotonic()
            try:
                self._settle_batch(batch)
            except Exception as error:
                log.exception("locks.failed")
                _deliver_error(batch, error)
            self._busy_since = None

    def _take_batch(self) -> list[_PendingAssignment]:
        """Take what waits, without lingering; leave out whom nobody waits for."""
        batch = [self._waiting.get()]
        while len(batch) < MAX_BATCH_SIZE:
            try:
                batch.append(self._waiting.get_nowait())
            except Empty:
                break
        now = monotonic()
        return [ticket for ticket in batch if ticket.deadline > now]

    def _settle_batch(self, batch: list[_PendingAssignment]) -> None:
        """Commit a batch and answer it; of several claims of one user the first counts."""
        groups: dict[AssignmentKey, list[_PendingAssignment]] = {}
        for ticket in batch:
            groups.setdefault(ticket.key, []).append(ticket)
        if not groups:
            return
        leaders = [_pick_leader(groups[key]) for key in sorted(groups)]
        try:
            rows = self._commit_batch(leaders)
        except psycopg.OperationalError as error:
            log.warning("locks.away", error=str(error))
            _deliver_error(batch, UnavailableError(STORE_BUSY_MESSAGE, retry_after=1))
            return
        for row in rows:
            _deliver_assignment(groups[str(row[0]), row[1]], row)

    def _commit_batch(self, leaders: list[_PendingAssignment]) -> list[tuple[Any, ...]]:
        """Run the statement; once more on a fresh connection, or with the day made."""
        asked = [(ticket.decision_id, ticket.proposal) for ticket in leaders]
        parameters = assignment_sql.build_parameters(asked)
        try:
            return self._execute_statement(parameters)
        except errors.CheckViolation:
            days = {t.proposal.decided_at.date() for t in leaders}
            close_old_connections()
            partitions.ensure_partitions("decisions", sorted(days))
        except psycopg.OperationalError as error:
            self._drop_connection()
            if isinstance(error, errors.QueryCanceled):
                raise
        return self._execute_statement(parameters)

    def _execute_statement(self, parameters: list[Any]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = assignment_sql.open_connection()
        return self._connection.execute(
            assignment_sql.UPSERT_ASSIGNMENTS, parameters, prepare=True
        ).fetchall()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_committer = _GroupCommitter()
os.register_at_fork(after_in_child=_committer.reset)


def claim_assignment(proposal: Proposal) -> AssignedVariant:
    """Lock the proposed variant for the user, or learn what they keep already.

    Returns once the lock and its receipt are on disk. A lock on a variant that the
    proposal's snapshot bars is drawn anew as proposed, unless the proposal is the
    holdout's: then the barred lock comes back and the caller proposes a draw. Raises
    UnavailableError after LONGEST_WAIT; the claim may still be stored then, and a repeat
    finds it.
    """
    ticket = _PendingAssignment(proposal, monotonic() + MAX_WAIT_SECONDS)
    _committer.submit(ticket)
    try:
        return ticket.answer.result(MAX_WAIT_SECONDS)
    except TimeoutError as error:
        raise UnavailableError(STORE_BUSY_MESSAGE, retry_after=1) from error


def find_assignment(optimization_id: str, anonymous_id: str) -> AssignedVariant | None:
    """Look a lock up and write nothing. Raises UnavailableError after LONGEST_WAIT."""
    return database_timeout.run_with_timeout(
        _query_assignment, optimization_id, anonymous_id
    )


def _query_assignment(
    optimization_id: str, anonymous_id: str
) -> AssignedVariant | None:
    row = Assignment.objects.filter(
        optimization_id=optimization_id, anonymous_id=anonymous_id
    ).first()
    if row is None:
        return None
    return AssignedVariant(
        variant_number=row.variant_number,
        in_holdout=row.in_holdout,
        policy_version=row.policy_version,
        propensity=row.propensity,
        decided_at=row.decided_at,
        sticky=True,
    )


def _pick_leader(tickets: list[_PendingAssignment]) -> _PendingAssignment:
    """Of one user's claims, the first of those that know the newest state."""
    return max(tickets, key=lambda ticket: ticket.proposal.snapshot.version)


def _deliver_assignment(
    tickets: list[_PendingAssignment], row: tuple[Any, ...]
) -> None:
    _, _, number, in_holdout, version, propensity, decided_at, decision_id = row
    for ticket in tickets:
        locked = AssignedVariant(
            variant_number=number,
            in_holdout=in_holdout,
            policy_version=version,
            propensity=propensity,
            decided_at=decided_at,
            sticky=decision_id != ticket.decision_id,
        )
        ticket.answer.set_result(locked)


def _deliver_error(tickets: list[_PendingAssignment], error: Exception) -> None:
    told = error if isinstance(error, LeveredError) else RuntimeError("claim failed")
    for ticket in tickets:
        if not ticket.answer.done():
            ticket.answer.set_exception(told)
