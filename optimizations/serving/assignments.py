"""Sticky assignments: committed in groups, on disk before the response leaves."""

import os
import secrets
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final

import psycopg
import structlog
from django.db import close_old_connections
from psycopg import errors

from levered_site.errors import LeveredError, UnavailableError
from optimizations.models import Assignment
from optimizations.serving import assignment_sql, database_timeout
from optimizations.serving.assignment_sql import AssignmentRow
from optimizations.serving.snapshot import Proposal
from warehouse import partitions

log = structlog.get_logger(__name__)

MAX_BATCH_SIZE: Final = 400
MAX_WAIT_SECONDS = database_timeout.MAX_WAIT_SECONDS
STORE_BUSY_MESSAGE = "The decision could not be stored in time; try again."

AssignmentKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class AssignedVariant:
    """A user's assignment. `sticky` is False for the claim that created it."""

    variant_number: int
    in_holdout: bool
    policy_version: int
    propensity: float
    decided_at: datetime
    sticky: bool


@dataclass(slots=True)
class _PendingAssignment:
    """One claim in the queue; abandoned after `deadline` (monotonic time)."""

    proposal: Proposal
    deadline: float
    decision_id: int = field(default_factory=lambda: secrets.randbits(63))
    assigned: "Future[AssignedVariant]" = field(default_factory=Future)

    @property
    def key(self) -> AssignmentKey:
        return self.proposal.snapshot.optimization_id, self.proposal.anonymous_id


class _GroupCommitter:
    """One thread of this process that stores all waiting claims in one statement.

    Claims that arrive during a commit share the next one; the thread never waits to
    fill a batch.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: a fork copies the queue without the thread."""
        self._queue: SimpleQueue[_PendingAssignment] = SimpleQueue()
        self._start_lock = Lock()
        self._thread: Thread | None = None
        self._connection: psycopg.Connection[AssignmentRow] | None = None
        self._busy_since: float | None = None

    def submit(self, claim: _PendingAssignment) -> None:
        """Queue a claim. Raises UnavailableError while the current batch is overdue."""
        busy_since = self._busy_since
        if busy_since is not None and monotonic() - busy_since > MAX_WAIT_SECONDS:
            raise UnavailableError(STORE_BUSY_MESSAGE, retry_after=1)
        if self._thread is None:
            with self._start_lock:
                if self._thread is None:
                    self._thread = Thread(
                        target=self._run_forever, name="assignments", daemon=True
                    )
                    self._thread.start()
        self._queue.put(claim)

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
        """Wait for one claim, take those behind it, and drop the abandoned ones."""
        batch = [self._queue.get()]
        while len(batch) < MAX_BATCH_SIZE:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        now = monotonic()
        return [claim for claim in batch if claim.deadline > now]

    def _settle_batch(self, batch: list[_PendingAssignment]) -> None:
        """Commit a batch and deliver the results; one claim counts per user."""
        claims_by_key: dict[AssignmentKey, list[_PendingAssignment]] = {}
        for claim in batch:
            claims_by_key.setdefault(claim.key, []).append(claim)
        if not claims_by_key:
            return
        leaders = [_pick_leader(claims_by_key[key]) for key in sorted(claims_by_key)]
        try:
            rows = self._commit_batch(leaders)
        except psycopg.OperationalError as error:
            log.warning("locks.away", error=str(error))
            _deliver_error(batch, UnavailableError(STORE_BUSY_MESSAGE, retry_after=1))
            return
        for row in rows:
            key = str(row.optimization_id), row.anonymous_id
            _deliver_assignment(claims_by_key[key], row)

    def _commit_batch(self, leaders: list[_PendingAssignment]) -> list[AssignmentRow]:
        """Execute the statement.

        Try a second time after creating a missing day partition, or on a fresh
        connection if the old one broke.
        """
        parameters = assignment_sql.build_parameters(
            [(claim.decision_id, claim.proposal) for claim in leaders]
        )
        try:
            return self._execute_statement(parameters)
        except errors.CheckViolation:
            days = {claim.proposal.decided_at.date() for claim in leaders}
            close_old_connections()
            partitions.ensure_partitions("decisions", sorted(days))
        except psycopg.OperationalError as error:
            self._drop_connection()
            if isinstance(error, errors.QueryCanceled):
                raise
        return self._execute_statement(parameters)

    def _execute_statement(self, parameters: list[Any]) -> list[AssignmentRow]:
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
    """Assign the proposed variant to the user, or return what is assigned already.

    Returns once the assignment and its receipt are on disk. If the assigned variant is
    unservable in the proposal's snapshot, the proposal replaces it. A proposal for the
    holdout does not: then the unservable assignment is returned, and the caller claims
    a draw instead. Raises UnavailableError after MAX_WAIT_SECONDS; the claim may still
    be stored then, and a repeated request finds it.
    """
    claim = _PendingAssignment(proposal, monotonic() + MAX_WAIT_SECONDS)
    _committer.submit(claim)
    try:
        return claim.assigned.result(MAX_WAIT_SECONDS)
    except TimeoutError as error:
        raise UnavailableError(STORE_BUSY_MESSAGE, retry_after=1) from error


def find_assignment(optimization_id: str, anonymous_id: str) -> AssignedVariant | None:
    """Return a user's assignment and write nothing; None where there is none.

    Raises UnavailableError after MAX_WAIT_SECONDS.
    """
    return database_timeout.run_with_timeout(
        _query_assignment, optimization_id, anonymous_id
    )


def _query_assignment(
    optimization_id: str, anonymous_id: str
) -> AssignedVariant | None:
    assignment = Assignment.objects.filter(
        optimization_id=optimization_id, anonymous_id=anonymous_id
    ).first()
    return None if assignment is None else _build_assigned(assignment, sticky=True)


def _build_assigned(
    assignment: Assignment | AssignmentRow, *, sticky: bool
) -> AssignedVariant:
    return AssignedVariant(
        variant_number=assignment.variant_number,
        in_holdout=assignment.in_holdout,
        policy_version=assignment.policy_version,
        propensity=assignment.propensity,
        decided_at=assignment.decided_at,
        sticky=sticky,
    )


def _pick_leader(claims: list[_PendingAssignment]) -> _PendingAssignment:
    """Return the first of one user's claims that were decided by the newest snapshot."""
    return max(claims, key=lambda claim: claim.proposal.snapshot.version)


def _deliver_assignment(claims: list[_PendingAssignment], row: AssignmentRow) -> None:
    for claim in claims:
        sticky = row.decision_id != claim.decision_id
        claim.assigned.set_result(_build_assigned(row, sticky=sticky))


def _deliver_error(claims: list[_PendingAssignment], error: Exception) -> None:
    """Fail the claims; a client may read a LeveredError only."""
    is_readable = isinstance(error, LeveredError)
    client_error = error if is_readable else RuntimeError("claim failed")
    for claim in claims:
        if not claim.assigned.done():
            claim.assigned.set_exception(client_error)
