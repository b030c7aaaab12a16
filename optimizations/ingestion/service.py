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
from optimizations.ingestion.events import Exposure, Refusal, Reward

Event = TypeVar("Event", Exposure, Reward)
Placed = TypeVar("Placed")

log = structlog.get_logger(__name__)

NOTHING_KEPT = (
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
class Receipt:
    """What became of a batch: the three counts together are its length."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...]


def accept_exposures(organization_id: str, sent: object) -> Receipt:
    """Keep the sound exposures of a batch; when this returns they are on disk.

    Raises InvalidParametersError (none is sound, or not a list of 1 to 500), ForbiddenError (an
    optimization that is not the organization's), ConflictError (not on the managed
    warehouse), UnavailableError (the store is away). Whatever is raised, nothing was kept.
    """
    return _or_nothing(lambda: _exposures(organization_id, _batch(sent)))


def accept_rewards(organization_id: str, sent: object) -> Receipt:
    """Keep the sound rewards of a batch; see `accept_exposures`."""
    return _or_nothing(lambda: _rewards(organization_id, _batch(sent)))


def _or_nothing(accept: Callable[[], Receipt]) -> Receipt:
    try:
        return accept()
    except (OperationalError, InterfaceError) as error:
        log.warning("ingest_store_away", error=str(error))
        raise UnavailableError(NOTHING_KEPT, retry_after=1) from error


def _batch(sent: object) -> list[object]:
    if not isinstance(sent, list) or not 1 <= len(sent) <= events.MOST_EVENTS:
        raise InvalidParametersError.of(
            "events", f"must be a list of 1 to {events.MOST_EVENTS} events"
        )
    return sent


def _exposures(organization_id: str, sent: list[object]) -> Receipt:
    now = timezone.now()
    sound, rejected = _read(sent, lambda event: events.exposure(event, now))
    known = routing.known(
        organization_id, (event.optimization_id for _, event in sound)
    )
    rows = _sifted(sound, rejected, lambda each: routing.exposure(each, known))
    new = [rows[at] for at in _first_of_key([event.key for event, _, _ in rows])]
    accepted = event_sql.keep_exposures(organization_id, new)
    return _receipt(accepted, len(rows), rejected)


def _rewards(organization_id: str, sent: list[object]) -> Receipt:
    now = timezone.now()
    sound, rejected = _read(sent, lambda event: events.reward(event, now))
    named = (event.optimization_id for _, event in sound)
    known = routing.known(organization_id, (each for each in named if each is not None))
    rows = _sifted(sound, rejected, lambda each: routing.reward(each, known))
    new = [rows[at] for at in _first_of_key([event.key for event in rows])]
    accepted = event_sql.keep_rewards(organization_id, new)
    return _receipt(accepted, len(rows), rejected)


def _read(
    sent: list[object], read: Callable[[object], Event]
) -> tuple[list[tuple[int, Event]], list[Rejection]]:
    sound: list[tuple[int, Event]] = []
    rejected: list[Rejection] = []
    for index, event in enumerate(sent):
        try:
            sound.append((index, read(event)))
        except Refusal as refusal:
            rejected.append(_rejection(index, refusal))
    return sound, rejected


def _sifted(
    sound: list[tuple[int, Event]],
    rejected: list[Rejection],
    place: Callable[[Event], Placed],
) -> list[Placed]:
    """Place each event; who cannot be placed is added to the rejected ones.

    Raises InvalidParametersError where none is left.
    """
    rows: list[Placed] = []
    for index, event in sound:
        try:
            rows.append(place(event))
        except Refusal as refusal:
            rejected.append(_rejection(index, refusal))
    if not rows:
        problems = [FieldProblem(_named(each), each.message) for each in rejected]
        raise InvalidParametersError("None of the events is acceptable.", problems)
    return rows


def _rejection(index: int, refusal: Refusal) -> Rejection:
    return Rejection(index, InvalidParametersError.code, refusal.field, str(refusal))


def _named(rejected: Rejection) -> str:
    event = f"events[{rejected.index}]"
    return event if rejected.field == "event" else f"{event}.{rejected.field}"


def _first_of_key(keys: Sequence[str | None]) -> list[int]:
    """Return the places of events without a key, and of the first with each key."""
    first = {key: at for at, key in reversed(list(enumerate(keys)))}
    return [at for at, key in enumerate(keys) if key is None or first[key] == at]


def _receipt(accepted: int, sound: int, rejected: list[Rejection]) -> Receipt:
    rejected.sort(key=lambda each: each.index)
    return Receipt(accepted, sound - accepted, tuple(rejected))
