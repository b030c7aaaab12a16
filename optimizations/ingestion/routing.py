"""Whose an event is, whether it may still be recorded, and where in the design it belongs."""

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
    organization_id: str, named: Iterable[UUID]
) -> dict[UUID, IngestTarget]:
    """Return what is known of each: all must be, or have been, the caller's.

    Raises ForbiddenError naming strangers, ConflictError where the organization's
    events live in a warehouse of its own.
    """
    provider = Organization.objects.values_list("connection__provider", flat=True).get(
        pk=organization_id
    )
    if provider not in {None, "managed"}:
        raise ConflictError(
            "This organization's events live in its own warehouse: the ingestion API "
            "fills the managed one."
        )
    wanted = set(named)
    found = Optimization.objects.filter(organization_id=organization_id, pk__in=wanted)
    rows = found.values_list(
        "pk", "model__training_data_config", "status", "ended_at", "deleted_at"
    )
    ours = {
        pk: IngestTarget(config, status, ended_at, deleted_at)
        for pk, config, status, ended_at, deleted_at in rows
    }
    strangers = sorted(str(each) for each in wanted - ours.keys())
    if strangers:
        raise ForbiddenError(
            f"Not an optimization of this organization: {', '.join(strangers[:5])}. "
            "Nothing of the batch was kept."
        )
    return ours


def _refuse_deleted(its: IngestTarget) -> None:
    """Raise Refusal: the rest of the batch is not to blame."""
    if its.deleted_at is not None:
        raise InvalidEventError(
            "optimization_id", "was deleted: nothing more is recorded of it"
        )


def route_reward(event: Reward, of: Mapping[UUID, IngestTarget]) -> Reward:
    """Return it where it may be recorded; else Refusal."""
    if event.optimization_id is not None:
        _refuse_deleted(of[event.optimization_id])
    return event


def route_exposure(
    event: Exposure, of: Mapping[UUID, IngestTarget]
) -> tuple[Exposure, str, str]:
    """Return it, its variant's key, the configured part of its context; else Refusal."""
    its = of[event.optimization_id]
    _refuse_deleted(its)
    if its.status == Status.DRAFT:
        raise InvalidEventError(
            "optimization_id", "is a draft, of which nothing is recorded"
        )
    if its.ended_at is not None and event.timestamp > its.ended_at:
        ended = its.ended_at.isoformat()
        raise InvalidEventError("timestamp", f"the optimization ended at {ended}")
    levels = {
        factor["name"]: [level["value"] for level in factor["levels"]]
        for factor in its.config["design_factors"]
    }
    if event.variant.keys() != levels.keys():
        raise InvalidEventError("variant", f"must name exactly {', '.join(levels)}")
    for name, value in event.variant.items():
        if not any(factors.is_same_value(value, level) for level in levels[name]):
            raise InvalidEventError(
                f"variant.{name}", "is not one of the factor's levels"
            )
    try:
        context = factors.resolve_context(
            factors.parse_context_factors(its.config), event.context
        )
    except TypeError as error:
        raise InvalidEventError(
            f"context.{error}", "must be a string, a number, true, false or null"
        ) from error
    return event, factors.format_variant_key(event.variant), context.recorded
