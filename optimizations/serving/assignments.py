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

LARGEST_BATCH: Final = 400
LONGEST_WAIT = database_timeout.LONGEST_WAIT
BUSY = "The decision could not be stored in time; try again."

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
        asked = [(ticket.decision_id, ticket.proposal) for ticket in leaders]
        parameters = assignment_sql.parameters(asked)
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
            self._connection = assignment_sql.connect()
        return self._connection.execute(
            assignment_sql.CLAIM, parameters, prepare=True
        ).fetchall()

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
    return database_timeout.ask(_find, optimization_id, anonymous_id)


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
