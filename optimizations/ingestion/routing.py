"""Match events to optimizations: whose they are, and whether they may be recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from levered_site.errors import ConflictError, ForbiddenError
from levered_site.organizations.models import Organization
from optimizations import factors
from optimizations.ingestion.events import Exposure, InvalidEventError, Reward
from optimizations.models import Optimization

Status = Optimization.Status


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """What ingestion needs of an optimization."""

    config: dict[str, Any]
    status: str
    ended_at: datetime | None
    deleted_at: datetime | None


def load_targets(
    organization_id: str, optimization_ids: Iterable[UUID]
) -> dict[UUID, IngestTarget]:
    """Return the organization's optimizations by id, deleted ones included.

    Raises ForbiddenError naming the ids that are not the organization's, ConflictError
    if the organization's events live in a warehouse of its own.
    """
    provider = Organization.objects.values_list("connection__provider", flat=True).get(
        pk=organization_id
    )
    if provider not in {None, "managed"}:
        raise ConflictError(
            "The ingestion API fills the managed warehouse only, and this organization's "
            "events live in its own warehouse. Write the events there."
        )
    ids = set(optimization_ids)
    rows = Optimization.objects.filter(
        organization_id=organization_id, pk__in=ids
    ).values_list(
        "pk", "model__training_data_config", "status", "ended_at", "deleted_at"
    )
    targets = {
        pk: IngestTarget(config, status, ended_at, deleted_at)
        for pk, config, status, ended_at, deleted_at in rows
    }
    foreign_ids = sorted(str(foreign_id) for foreign_id in ids - targets.keys())
    if foreign_ids:
        raise ForbiddenError(
            "These are not optimizations of this organization: "
            f"{', '.join(foreign_ids[:5])}. No event of the batch was stored."
        )
    return targets


def _refuse_deleted(target: IngestTarget) -> None:
    """Raise InvalidEventError: a deleted optimization must not fail the whole batch."""
    if target.deleted_at is not None:
        raise InvalidEventError(
            "optimization_id", "was deleted: its events are no longer recorded"
        )


def route_reward(event: Reward, targets: Mapping[UUID, IngestTarget]) -> Reward:
    """Return the reward. Raises InvalidEventError if it may not be recorded."""
    if event.optimization_id is not None:
        _refuse_deleted(targets[event.optimization_id])
    return event


def route_exposure(
    event: Exposure, targets: Mapping[UUID, IngestTarget]
) -> tuple[Exposure, str, str]:
    """Return the exposure, its variant_key and its recorded context.

    The recorded context holds the configured factors only. Raises InvalidEventError if
    the exposure may not be recorded.
    """
    target = targets[event.optimization_id]
    _refuse_deleted(target)
    if target.status == Status.DRAFT:
        raise InvalidEventError(
            "optimization_id",
            "is a draft: its events are not recorded before it is live",
        )
    if target.ended_at is not None and event.timestamp > target.ended_at:
        ended = target.ended_at.isoformat()
        raise InvalidEventError("timestamp", f"the optimization ended at {ended}")
    _check_variant(event.variant, target.config["design_factors"])
    try:
        context = factors.resolve_context(
            factors.parse_context_factors(target.config), event.context
        )
    except TypeError as error:
        raise InvalidEventError(
            f"context.{error}", factors.NOT_SCALAR_MESSAGE
        ) from error
    return event, factors.format_variant_key(event.variant), context.recorded


def _check_variant(
    variant: Mapping[str, Any], design_factors: Iterable[Mapping[str, Any]]
) -> None:
    levels = {
        factor["name"]: [level["value"] for level in factor["levels"]]
        for factor in design_factors
    }
    if variant.keys() != levels.keys():
        raise InvalidEventError("variant", f"must name exactly {', '.join(levels)}")
    for name, value in variant.items():
        if not any(factors.is_same_value(value, level) for level in levels[name]):
            raise InvalidEventError(
                f"variant.{name}", "must be one of the factor's levels"
            )
