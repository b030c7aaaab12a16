"""Ingest batches of events: read, route and store them before the response leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from levered_site.errors import (
    FieldProblem,
    InvalidParametersError,
    UnavailableError,
)
from optimizations.ingestion import event_sql, events, routing
from optimizations.ingestion.events import Exposure, InvalidEventError, Reward

Event = TypeVar("Event", Exposure, Reward)
Row = TypeVar("Row")

log = structlog.get_logger(__name__)

STORE_AWAY_MESSAGE = (
    "The store does not answer: no event of the batch was stored. Send the batch again "
    "with the same idempotency keys."
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


def accept_exposures(organization_id: str, batch: object) -> IngestResult:
    """Store the valid exposures of a batch; they are on disk when this returns.

    Raises InvalidParametersError (no event is valid, or the batch is not a list of 1 to
    500), ForbiddenError (an optimization is not the organization's), ConflictError (the
    organization is not on the managed warehouse), UnavailableError (the store does not
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
    valid, rejected = _read_events(
        batch, lambda event: events.read_exposure(event, now)
    )
    targets = routing.load_targets(
        organization_id, (event.optimization_id for _, event in valid)
    )
    rows = _route_events(
        valid, rejected, lambda event: routing.route_exposure(event, targets)
    )
    indexes = _index_first_by_key([event.key for event, _, _ in rows])
    accepted = event_sql.insert_exposures(
        organization_id, [rows[index] for index in indexes]
    )
    return _build_result(accepted, len(rows), rejected)


def _ingest_rewards(organization_id: str, batch: list[object]) -> IngestResult:
    now = timezone.now()
    valid, rejected = _read_events(batch, lambda event: events.read_reward(event, now))
    named_ids = (event.optimization_id for _, event in valid)
    targets = routing.load_targets(
        organization_id, (named_id for named_id in named_ids if named_id is not None)
    )
    rows = _route_events(
        valid, rejected, lambda event: routing.route_reward(event, targets)
    )
    indexes = _index_first_by_key([event.key for event in rows])
    accepted = event_sql.insert_rewards(
        organization_id, [rows[index] for index in indexes]
    )
    return _build_result(accepted, len(rows), rejected)


def _read_events(
    batch: list[object], read: Callable[[object], Event]
) -> tuple[list[tuple[int, Event]], list[Rejection]]:
    """Return the valid events with their indexes in the batch, and the rejections."""
    valid: list[tuple[int, Event]] = []
    rejected: list[Rejection] = []
    for index, event in enumerate(batch):
        try:
            valid.append((index, read(event)))
        except InvalidEventError as error:
            rejected.append(_build_rejection(index, error))
    return valid, rejected


def _route_events(
    valid: list[tuple[int, Event]],
    rejected: list[Rejection],
    route: Callable[[Event], Row],
) -> list[Row]:
    """Route each event and return the rows to store.

    An event that cannot be routed is added to `rejected`. Raises InvalidParametersError
    if no row is left.
    """
    rows: list[Row] = []
    for index, event in valid:
        try:
            rows.append(route(event))
        except InvalidEventError as error:
            rejected.append(_build_rejection(index, error))
    if not rows:
        problems = [
            FieldProblem(_format_field(rejection), rejection.message)
            for rejection in rejected
        ]
        raise InvalidParametersError(
            "No event of the batch is valid; `details` names each problem.", problems
        )
    return rows


def _build_rejection(index: int, error: InvalidEventError) -> Rejection:
    return Rejection(index, InvalidParametersError.code, error.field, str(error))


def _format_field(rejection: Rejection) -> str:
    event = f"events[{rejection.index}]"
    return event if rejection.field == "event" else f"{event}.{rejection.field}"


def _index_first_by_key(keys: Sequence[str | None]) -> list[int]:
    """Return the indexes of events without a key, and of the first with each key."""
    first = {key: index for index, key in reversed(list(enumerate(keys)))}
    return [
        index for index, key in enumerate(keys) if key is None or first[key] == index
    ]


def _build_result(
    accepted: int, valid_count: int, rejected: list[Rejection]
) -> IngestResult:
    rejected.sort(key=lambda rejection: rejection.index)
    return IngestResult(accepted, valid_count - accepted, tuple(rejected))
