"""Ingest batches of events: read, route and store them before the response leaves."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from levered_site.errors import (
    ConflictError,
    ConflictItemError,
    FieldProblem,
    InvalidParametersError,
    UnavailableError,
)
from optimizations.ingestion import (
    batch_reader,
    event_digests,
    event_sql,
    event_statements,
    events,
    routing,
)
from optimizations.ingestion.event_columns import EventColumns, Problems
from optimizations.ingestion.event_digests import Digests
from optimizations.ingestion.event_statements import EventTable

log = structlog.get_logger(__name__)

STORE_AWAY_MESSAGE = (
    "The store does not answer: no event of the batch was stored. Send the batch again "
    "with the same idempotency keys."
)


KEY_USED = (
    "was used for another event: repeat an event unchanged, and give another one a key of "
    "its own"
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a batch was not stored; `index` counts from 0."""

    index: int
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Outcome of a batch: accepted, duplicate and rejected events add up to its length."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]


class KeyConflictError(ConflictError):
    """Every event of a batch has the idempotency key of another event."""

    def __init__(self, rejected: tuple[Rejection, ...]) -> None:
        super().__init__(
            "Each idempotency key of the batch was used for another event; `details` names "
            "them. Nothing was stored.",
            build_problems(rejected),
        )
        self.rejected = rejected


def accept_exposures(organization_id: str, batch: object) -> IngestResult:
    """Store the valid exposures of a batch; they are on disk when this returns.

    Raises InvalidParametersError (no event is valid, or the batch is not a list of 1 to
    500), ForbiddenError (every event is of an optimization that is not the organization's),
    ConflictError (the organization is not on the managed warehouse; as KeyConflictError,
    every idempotency key was used for another event), UnavailableError (the store does not
    answer). Whatever is raised, nothing was stored.
    """
    return _convert_store_errors(
        lambda: _ingest_exposures(organization_id, _require_batch(batch))
    )


def accept_rewards(organization_id: str, batch: object) -> IngestResult:
    """Store the valid rewards of a batch; see `accept_exposures`."""
    return _convert_store_errors(
        lambda: _ingest_rewards(organization_id, _require_batch(batch))
    )


def _convert_store_errors(accept: Callable[[], IngestResult]) -> IngestResult:
    try:
        return accept()
    except (OperationalError, InterfaceError) as error:
        log.warning("ingest_store_away", error=str(error))
        raise UnavailableError(STORE_AWAY_MESSAGE, retry_after=1) from error


def _require_batch(batch: object) -> list[object]:
    if not isinstance(batch, list) or not 1 <= len(batch) <= events.MAX_EVENTS:
        raise InvalidParametersError.for_field(
            "events", f"must be a list of 1 to {events.MAX_EVENTS} events"
        )
    return batch


def _ingest_exposures(organization_id: str, batch: list[object]) -> IngestResult:
    now = timezone.now()
    read, problems = batch_reader.read_exposures(batch, now)
    targets = routing.load_targets(organization_id, read.optimization_ids)
    if not problems:
        routing.require_own_target(read.optimization_ids, targets)
    exposures, texts, unroutable = routing.route_exposures(read, targets)
    rejected = _build_rejections(problems | unroutable)
    _require_valid_event(exposures, rejected)
    digests = event_digests.compute_exposure_digests(exposures, texts, now)
    first, first_texts, first_digests = exposures, texts, digests
    if (positions := _select_first_by_key(exposures.keys)) is not None:
        first = exposures.select(positions)
        first_texts = [texts[position] for position in positions]
        first_digests = [digests[position] for position in positions]
    accepted = event_sql.insert_exposures(
        organization_id, first, first_texts, first_digests
    )
    conflicts = _reject_conflicts(
        event_statements.EXPOSURES, organization_id, exposures, digests, accepted
    )
    return _build_result(len(exposures), accepted, rejected, conflicts)


def _ingest_rewards(organization_id: str, batch: list[object]) -> IngestResult:
    now = timezone.now()
    read, problems = batch_reader.read_rewards(batch, now)
    named_ids = set(read.optimization_ids) - {None}
    targets = routing.load_targets(organization_id, named_ids)
    if not problems:
        routing.require_own_target(read.optimization_ids, targets)
    rewards, unroutable = routing.route_rewards(read, targets)
    rejected = _build_rejections(problems | unroutable)
    _require_valid_event(rewards, rejected)
    digests = event_digests.compute_reward_digests(rewards, now)
    first, first_digests = rewards, digests
    if (positions := _select_first_by_key(rewards.keys)) is not None:
        first = rewards.select(positions)
        first_digests = [digests[position] for position in positions]
    accepted = event_sql.insert_rewards(organization_id, first, first_digests)
    conflicts = _reject_conflicts(
        event_statements.REWARDS, organization_id, rewards, digests, accepted
    )
    return _build_result(len(rewards), accepted, rejected, conflicts)


def _reject_conflicts(
    table: EventTable,
    organization_id: str,
    valid: EventColumns,
    digests: Digests,
    accepted: int,
) -> tuple[Rejection, ...]:
    """Reject the events whose key was used for another event, in this batch or before."""
    if accepted == len(valid):
        return ()
    positions = event_sql.find_conflicts(table, organization_id, valid, digests)
    return _build_rejections(
        {
            valid.indexes[position]: ConflictItemError("idempotency_key", KEY_USED)
            for position in positions
        }
    )


def _build_result(
    valid_count: int,
    accepted: int,
    rejected: tuple[Rejection, ...],
    conflicts: tuple[Rejection, ...],
) -> IngestResult:
    """Return the result. Raises KeyConflictError if all events of the batch conflict."""
    if conflicts and len(conflicts) == valid_count and not rejected:
        raise KeyConflictError(conflicts)
    every = sorted((*rejected, *conflicts), key=lambda rejection: rejection.index)
    duplicates = valid_count - accepted - len(conflicts)
    return IngestResult(accepted, duplicates, tuple(every))


def build_problems(rejected: Iterable[Rejection]) -> list[FieldProblem]:
    """Return the rejections as problems of the request's fields."""
    return [
        FieldProblem(_format_field(rejection), rejection.message)
        for rejection in rejected
    ]


def _build_rejections(problems: Problems) -> tuple[Rejection, ...]:
    return tuple(
        Rejection(index, error.code, error.field, str(error))
        for index, error in sorted(problems.items())
    )


def _require_valid_event(
    columns: EventColumns, rejected: tuple[Rejection, ...]
) -> None:
    """Raise InvalidParametersError, which names each problem, if no event is left."""
    if len(columns) == 0:
        raise InvalidParametersError(
            "No event of the batch is valid; `details` names each problem.",
            build_problems(rejected),
        )


def _format_field(rejection: Rejection) -> str:
    event = f"events[{rejection.index}]"
    return event if rejection.field == "event" else f"{event}.{rejection.field}"


def _select_first_by_key(keys: Sequence[str | None]) -> list[int] | None:
    """Return the positions of events without a key, and of the first with each key.

    Returns None if these are all.
    """
    used_keys = [key for key in keys if key is not None]
    if len(set(used_keys)) == len(used_keys):
        return None
    first = {key: position for position, key in reversed(list(enumerate(keys)))}
    return [
        position
        for position, key in enumerate(keys)
        if key is None or first[key] == position
    ]
