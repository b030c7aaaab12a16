"""Taking in events: whose they are, which are sound; what is answered is on disk."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from levered_site.errors import (
    ConflictError,
    FieldProblem,
    ForbiddenError,
    InvalidParametersError,
    UnavailableError,
)
from levered_site.organizations.models import Organization
from optimizations import events, factors, intake
from optimizations.events import Exposure, Refusal, Reward
from optimizations.models import Optimization

Event = TypeVar("Event", Exposure, Reward)
Known = tuple[dict[str, Any], datetime | None]
"""An optimization's training_data_config, and when it ended."""

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
    known = _known(organization_id, (event.optimization_id for _, event in sound))
    rows = []
    for index, event in sound:
        try:
            placed = _placed(event, known[event.optimization_id])
        except Refusal as refusal:
            rejected.append(_rejection(index, refusal))
        else:
            rows.append((event, *placed))
    _refuse_all(rejected, sound=len(rows))
    new = [rows[at] for at in _first_of_key([event.key for event, _, _ in rows])]
    accepted = intake.keep_exposures(organization_id, new)
    return _receipt(accepted, len(rows), rejected)


def _rewards(organization_id: str, sent: list[object]) -> Receipt:
    now = timezone.now()
    sound, rejected = _read(sent, lambda event: events.reward(event, now))
    rows = [event for _, event in sound]
    named = (event.optimization_id for event in rows)
    _known(organization_id, (each for each in named if each is not None))
    _refuse_all(rejected, sound=len(rows))
    new = [rows[at] for at in _first_of_key([event.key for event in rows])]
    accepted = intake.keep_rewards(organization_id, new)
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


def _rejection(index: int, refusal: Refusal) -> Rejection:
    return Rejection(index, InvalidParametersError.code, refusal.field, str(refusal))


def _refuse_all(rejected: list[Rejection], *, sound: int) -> None:
    if not sound:
        problems = [FieldProblem(_named(each), each.message) for each in rejected]
        raise InvalidParametersError("None of the events is acceptable.", problems)


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


def _known(organization_id: str, named: Iterable[UUID]) -> dict[UUID, Known]:
    """Return each optimization's config and end: all must be the caller's."""
    provider = Organization.objects.values_list("connection__provider", flat=True).get(
        pk=organization_id
    )
    if provider not in {None, "managed"}:
        raise ConflictError(
            "This organization's events live in its own warehouse: the ingestion API "
            "fills the managed one."
        )
    wanted = set(named)
    found = Optimization.objects.of(organization_id).filter(pk__in=wanted)
    rows = found.values_list("pk", "model__training_data_config", "ended_at")
    known = {pk: (config, ended_at) for pk, config, ended_at in rows}
    strangers = sorted(str(each) for each in wanted - known.keys())
    if strangers:
        raise ForbiddenError(
            f"Not an optimization of this organization: {', '.join(strangers[:5])}. "
            "Nothing of the batch was kept."
        )
    return known


def _placed(event: Exposure, known: Known) -> tuple[str, str]:
    """Return the variant's key and the configured part of the context; else Refusal."""
    config, ended_at = known
    if ended_at is not None and event.timestamp > ended_at:
        raise Refusal("timestamp", f"the optimization ended at {ended_at.isoformat()}")
    levels = {
        factor["name"]: [level["value"] for level in factor["levels"]]
        for factor in config["design_factors"]
    }
    if event.variant.keys() != levels.keys():
        raise Refusal("variant", f"must name exactly {', '.join(levels)}")
    for name, value in event.variant.items():
        if not any(factors.same(value, level) for level in levels[name]):
            raise Refusal(f"variant.{name}", "is not one of the factor's levels")
    try:
        context = factors.place(factors.context_factors(config), event.context)
    except TypeError as error:
        raise Refusal(
            f"context.{error}", "must be a string, a number, true, false or null"
        ) from error
    return factors.variant_key(event.variant), context.recorded
