"""Store the events that a web page sends with a publishable key."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from django.db.models import Q
from django.utils import timezone

from levered_site.errors import (
    FieldProblem,
    InvalidItemError,
    InvalidParametersError,
    LeveredError,
    UnavailableError,
)
from levered_site.organizations.actors import KeyHolder
from optimizations.ingestion import service, tracked_events
from optimizations.ingestion.service import (
    IngestResult,
    KeyConflictError,
    Rejection,
)
from optimizations.ingestion.tracked_events import TrackedExposure
from optimizations.models import Variant

MAX_EVENTS = 50
STORE_AWAY_MESSAGE = (
    "The store does not answer. Send the events again with the same idempotency keys."
)
EVENT_FIELD = re.compile(r"events\[(\d+)\](?:\.(.+))?")

Json: TypeAlias = Mapping[str, Any]
ByIndex: TypeAlias = Mapping[int, Json]  # by the index in the batch


def accept_tracked_events(
    holder: KeyHolder,
    anonymous_id: object,
    batch: object,
    *,
    is_recorded: bool = True,
) -> IngestResult:
    """Store the valid events of a user; they are on disk when this returns.

    Without `is_recorded` they are read and nothing is stored: the result has the refusals
    only.

    Exposures are stored before rewards: should the store go away in between, a repeat
    doubles no reward, and a user's exposures count once however many there are.

    Raises InvalidParametersError (no event is valid, the batch is not a list of 1 to 50, or
    the anonymous_id is invalid), ConflictError (the organization is not on the managed
    warehouse, or every idempotency key was used for another event), UnavailableError (the store does not answer: send the batch again).
    """
    exposures, rewards, rejected = _sort_events(
        holder, anonymous_id, _require_batch(batch)
    )
    if not is_recorded and (exposures or rewards):
        rejected.sort(key=lambda rejection: rejection.index)
        return IngestResult(0, 0, tuple(rejected))
    organization_id = holder.organization_id
    results = (
        _store(lambda sent: service.accept_exposures(organization_id, sent), exposures),
        _store(lambda sent: service.accept_rewards(organization_id, sent), rewards),
    )
    accepted = sum(result.accepted for result in results)
    duplicates = sum(result.duplicates for result in results)
    for result in results:
        rejected.extend(result.rejected)
    rejected.sort(key=lambda rejection: rejection.index)
    if not accepted + duplicates:
        raise _build_error(rejected)
    return IngestResult(accepted, duplicates, tuple(rejected))


def _require_batch(batch: object) -> list[object]:
    if not isinstance(batch, list) or not 1 <= len(batch) <= MAX_EVENTS:
        raise InvalidParametersError.for_field(
            "events", f"must be a list of 1 to {MAX_EVENTS} events"
        )
    return batch


def _sort_events(
    holder: KeyHolder, anonymous_id: object, batch: list[object]
) -> tuple[ByIndex, ByIndex, list[Rejection]]:
    """Return the exposures and the rewards that ingestion may take, and the rejections."""
    now = timezone.now()
    try:
        tracked_events.check_anonymous_id(anonymous_id, now)
    except InvalidItemError as error:
        raise InvalidParametersError.for_field(error.field, error.message) from error
    bounds = {reward.name: reward for reward in holder.rewards}
    exposures: dict[int, TrackedExposure] = {}
    rewards: dict[int, Json] = {}
    rejected: list[Rejection] = []
    for index, event in enumerate(batch):
        try:
            tracked = tracked_events.read_tracked_event(
                event, anonymous_id, bounds, now
            )
        except InvalidItemError as error:
            rejected.append(_build_rejection(index, error))
            continue
        if isinstance(tracked, TrackedExposure):
            own = _own_idempotency_key(holder, tracked.event)
            exposures[index] = replace(tracked, event=own)
        else:
            rewards[index] = _own_idempotency_key(holder, tracked.event)
    with_variants = _add_variants(holder.organization_id, exposures, rejected)
    return with_variants, rewards, rejected


def _own_idempotency_key(holder: KeyHolder, event: Json) -> Json:
    """Return the event with an idempotency key that only this user of this key has.

    Anybody can read a publishable key: an event sent with it must not pass for one of the
    organization's own, or of another user, and keep that one out.
    """
    key = event.get("idempotency_key")
    if key is None:
        return event
    owner = f"{holder.key_id}:{event['anonymous_id']}:{key}"
    digest = hashlib.sha256(owner.encode()).hexdigest()
    return {**event, "idempotency_key": f"track:{digest}"}


def _add_variants(
    organization_id: str,
    exposures: Mapping[int, TrackedExposure],
    rejected: list[Rejection],
) -> ByIndex:
    """Return the exposures with the variants that their numbers stand for.

    Those of another organization's optimization, or of no variant, are rejected.
    """
    if not exposures:
        return {}
    numbers = {exposure.variant_number for exposure in exposures.values()}
    rows = Variant.objects.filter(
        Q(number__in=numbers) | Q(number=1),  # each optimization has a variant 1
        optimization__organization_id=organization_id,
        optimization__in={item.optimization_id for item in exposures.values()},
    ).values_list("optimization_id", "number", "levels")
    levels = {(pk, number): variant for pk, number, variant in rows}
    found: dict[int, Json] = {}
    for index, exposure in exposures.items():
        variant = levels.get((exposure.optimization_id, exposure.variant_number))
        if variant is not None:
            found[index] = {**exposure.event, "variant": variant}
            continue
        is_own = (exposure.optimization_id, 1) in levels
        field, message = (
            ("variant_number", "must be the number of a variant")
            if is_own
            else (
                "optimization_id",
                "must be an optimization of the key's organization",
            )
        )
        rejected.append(_build_rejection(index, InvalidItemError(field, message)))
    return found


def _store(accept: Callable[[list[Json]], IngestResult], sent: ByIndex) -> IngestResult:
    """Store events of one kind; the rejections have the indexes of the whole batch."""
    if not sent:
        return IngestResult(0, 0, ())
    try:
        result = accept(list(sent.values()))
    except UnavailableError as error:
        raise UnavailableError(
            STORE_AWAY_MESSAGE, retry_after=error.retry_after
        ) from error
    except KeyConflictError as error:
        result = IngestResult(0, 0, error.rejected)
    except InvalidParametersError as error:  # none of them is valid
        problems = tuple(_read_problem(problem) for problem in error.details)
        result = IngestResult(0, 0, problems)
    indexes = list(sent)
    rejected = (
        replace(rejection, index=indexes[rejection.index])
        for rejection in result.rejected
    )
    return replace(result, rejected=tuple(rejected))


def _read_problem(problem: FieldProblem) -> Rejection:
    match = EVENT_FIELD.fullmatch(problem.field)
    assert match is not None, "ingestion names the event"
    index, field = match.groups()
    code = InvalidParametersError.code
    return Rejection(int(index), code, field or "event", problem.message)


def _build_rejection(index: int, error: InvalidItemError) -> Rejection:
    return Rejection(index, InvalidParametersError.code, error.field, str(error))


def _build_error(rejected: list[Rejection]) -> LeveredError:
    if all(item.code == KeyConflictError.code for item in rejected):
        return KeyConflictError(tuple(rejected))
    return InvalidParametersError(
        "No event of the batch is valid; `details` names each problem.",
        service.build_problems(rejected),
    )
