"""Taking in events: whose they are, which are sound; what is answered is on disk."""

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
Routed = TypeVar("Routed")

log = structlog.get_logger(__name__)

STORE_AWAY_MESSAGE = (
    "The store is away: nothing of the batch was kept. Send it again, with the same "
    "idempotency keys."
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a batch was not kept; `index` counts from 0."""

    index: int
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of a batch: the three counts together are its length."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]


def accept_exposures(organization_id: str, sent: object) -> IngestResult:
    """Keep the sound exposures of a batch; when this returns they are on disk.

    Raises InvalidParametersError (none is sound, or not a list of 1 to 500), ForbiddenError (an
    optimization that is not the organization's), ConflictError (not on the managed
    warehouse), UnavailableError (the store is away). Whatever is raised, nothing was kept.
    """
    return _convert_store_errors(
        lambda: _ingest_exposures(organization_id, _require_batch(sent))
    )


def accept_rewards(organization_id: str, sent: object) -> IngestResult:
    """Keep the sound rewards of a batch; see `accept_exposures`."""
    return _convert_store_errors(
        lambda: _ingest_rewards(organization_id, _require_batch(sent))
    )


def _convert_store_errors(accept: Callable[[], IngestResult]) -> IngestResult:
    try:
        return accept()
    except (OperationalError, InterfaceError) as error:
        log.warning("ingest_store_away", error=str(error))
        raise UnavailableError(STORE_AWAY_MESSAGE, retry_after=1) from error


def _require_batch(sent: object) -> list[object]:
    if not isinstance(sent, list) or not 1 <= len(sent) <= events.MAX_EVENTS:
        raise InvalidParametersError.for_field(
            "events", f"must be a list of 1 to {events.MAX_EVENTS} events"
        )
    return sent


def _ingest_exposures(organization_id: str, sent: list[object]) -> IngestResult:
    now = timezone.now()
    sound, rejected = _read_events(sent, lambda event: events.read_exposure(event, now))
    known = routing.load_targets(
        organization_id, (event.optimization_id for _, event in sound)
    )
    rows = _route_events(
        sound, rejected, lambda each: routing.route_exposure(each, known)
    )
    new = [rows[at] for at in _index_first_by_key([event.key for event, _, _ in rows])]
    accepted = event_sql.insert_exposures(organization_id, new)
    return _build_result(accepted, len(rows), rejected)


def _ingest_rewards(organization_id: str, sent: list[object]) -> IngestResult:
    now = timezone.now()
    sound, rejected = _read_events(sent, lambda event: events.read_reward(event, now))
    named = (event.optimization_id for _, event in sound)
    known = routing.load_targets(
        organization_id, (each for each in named if each is not None)
    )
    rows = _route_events(
        sound, rejected, lambda each: routing.route_reward(each, known)
    )
    new = [rows[at] for at in _index_first_by_key([event.key for event in rows])]
    accepted = event_sql.insert_rewards(organization_id, new)
    return _build_result(accepted, len(rows), rejected)


def _read_events(
    sent: list[object], read: Callable[[object], Event]
) -> tuple[list[tuple[int, Event]], list[Rejection]]:
    sound: list[tuple[int, Event]] = []
    rejected: list[Rejection] = []
    for index, event in enumerate(sent):
        try:
            sound.append((index, read(event)))
        except InvalidEventError as refusal:
            rejected.append(_build_rejection(index, refusal))
    return sound, rejected


def _route_events(
    sound: list[tuple[int, Event]],
    rejected: list[Rejection],
    place: Callable[[Event], Routed],
) -> list[Routed]:
    """Place each event; who cannot be placed is added to the rejected ones.

    Raises InvalidParametersError where none is left.
    """
    rows: list[Routed] = []
    for index, event in sound:
        try:
            rows.append(place(event))
        except InvalidEventError as refusal:
            rejected.append(_build_rejection(index, refusal))
    if not rows:
        problems = [
            FieldProblem(_format_field(each), each.message) for each in rejected
        ]
        raise InvalidParametersError("None of the events is acceptable.", problems)
    return rows


def _build_rejection(index: int, refusal: InvalidEventError) -> Rejection:
    return Rejection(index, InvalidParametersError.code, refusal.field, str(refusal))


def _format_field(rejected: Rejection) -> str:
    event = f"events[{rejected.index}]"
    return event if rejected.field == "event" else f"{event}.{rejected.field}"


def _index_first_by_key(keys: Sequence[str | None]) -> list[int]:
    """Return the places of events without a key, and of the first with each key."""
    first = {key: at for at, key in reversed(list(enumerate(keys)))}
    return [at for at, key in enumerate(keys) if key is None or first[key] == at]


def _build_result(accepted: int, sound: int, rejected: list[Rejection]) -> IngestResult:
    rejected.sort(key=lambda each: each.index)
    return IngestResult(accepted, sound - accepted, tuple(rejected))
