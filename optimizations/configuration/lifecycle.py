"""The state machine: which status may follow which, and what a move brings with it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from levered_site.errors import ConflictError, InvalidParametersError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from metrics import sources
from models_app import versions
from optimizations.configuration import create_update, regimes
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import snapshot_store
from warehouse import connections
from warehouse.models import ManagedExposure

Status = Optimization.Status

TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    Status.DRAFT: (Status.LIVE, Status.ARCHIVED),
    Status.LIVE: (Status.PAUSED, Status.SHIPPED, Status.COMPLETED, Status.ARCHIVED),
    Status.PAUSED: (Status.LIVE, Status.COMPLETED, Status.ARCHIVED),
    Status.SHIPPED: (Status.LIVE, Status.COMPLETED),
    Status.COMPLETED: (Status.ARCHIVED,),
    Status.ARCHIVED: (),
}
ENDED_STATUSES = (Status.COMPLETED, Status.ARCHIVED)
ADMIN_ONLY_STATUSES = (Status.SHIPPED, Status.COMPLETED, Status.ARCHIVED)
AUDIT_ACTIONS = {
    Status.LIVE: "optimization.resume",
    Status.PAUSED: "optimization.pause",
    Status.SHIPPED: "optimization.ship",
    Status.COMPLETED: "optimization.stop",
    Status.ARCHIVED: "optimization.archive",
}


@transaction.atomic
def create_optimization(
    organization_id: str, actor: Actor, fields: Mapping[str, Any]
) -> Optimization:
    """Create an optimization, live at once where `status` (or its default) says so.

    `fields` as the contract's create body, in the serializer's shape. Raises
    InvalidParametersError naming every field that breaks a rule; ConflictError where an
    assignment source is missing.
    """
    given = {name: value for name, value in fields.items() if name != "status"}
    measured = given.get("reward_metric_id") is not None
    status = fields.get("status", Status.LIVE if measured else Status.DRAFT)
    if status == Status.LIVE and not measured:
        raise InvalidParametersError.for_field(
            "reward_metric_id", "is needed to go live"
        )
    optimization = create_update.create_draft(organization_id, actor, given)
    if status == Status.LIVE:
        return change_status(optimization, Status.LIVE, actor)
    return optimization


@transaction.atomic
def update_optimization(
    optimization: Optimization, fields: Mapping[str, Any], actor: Actor
) -> Optimization:
    """Set fields by their API names, `status` last. Raises as `move` and `create` do."""
    given = {name: value for name, value in fields.items() if name != "status"}
    status = fields.get("status")
    if given:
        optimization = create_update.update_configuration(optimization, given, actor)
    if status is not None and status != optimization.status:
        optimization = change_status(optimization, status, actor)
    return optimization


@transaction.atomic
def change_status(optimization: Optimization, to: str, actor: Actor) -> Optimization:
    """Give an optimization another status.

    Raises ConflictError naming the moves there are; or saying what is missing to go live.
    """
    optimization = create_update.lock_optimization(optimization)
    before = optimization.status
    if to not in TRANSITIONS[before]:
        raise ConflictError(_format_refusal(before, to))
    optimization.status = to
    if to == Status.LIVE:
        _go_live(optimization)
        optimization.shipped_at = None  # undone, where it was
    now = timezone.now()
    if to == Status.SHIPPED:
        optimization.shipped_at = now
    if to in ENDED_STATUSES:
        optimization.ended_at = optimization.ended_at or now
    optimization.save()
    if to == Status.SHIPPED:
        regimes.open_regime(optimization, "shipped")
    elif before == Status.SHIPPED and to == Status.LIVE:
        regimes.open_regime(optimization, "unshipped")
    snapshot_store.publish_on_commit(optimization.pk)
    deed = (
        "optimization.go_live"
        if before == Status.DRAFT and to == Status.LIVE
        else AUDIT_ACTIONS[Status(to)]
    )
    changes = {"status": [before, to]}
    audit.record(optimization.organization_id, actor, deed, optimization, changes)
    return optimization


def pause_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Stop deciding for a while: clients show their fallback."""
    return change_status(optimization, Status.PAUSED, actor)


def resume_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Go live: from a draft, from a pause, or undoing a shipment."""
    return change_status(optimization, Status.LIVE, actor)


def ship_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Give everybody the leading variant; results freeze."""
    return change_status(optimization, Status.SHIPPED, actor)


def stop_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """End it for good."""
    return change_status(optimization, Status.COMPLETED, actor)


def archive_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Put it out of sight; its data stay."""
    return change_status(optimization, Status.ARCHIVED, actor)


@transaction.atomic
def delete_optimization(optimization: Optimization, actor: Actor) -> None:
    """Delete: a draft or a never-served one for real, an archived one out of sight.

    Raises ConflictError for a live one, and for one that served and is not archived.
    """
    optimization = create_update.lock_optimization(optimization)
    status = optimization.status
    if status == Status.LIVE:
        raise ConflictError(_format_refusal(status, "deleted"))
    served = status != Status.DRAFT and has_served(optimization)
    if served and status != Status.ARCHIVED:
        raise ConflictError(_format_refusal(status, "deleted"))
    snapshot_store.publish_on_commit(optimization.pk)
    changes = {"status": status, "data_kept": served}
    audit.record(
        optimization.organization_id,
        actor,
        "optimization.delete",
        optimization,
        changes,
    )
    if served:
        optimization.deleted_at = timezone.now()
        optimization.save(update_fields=["deleted_at", "updated_at"])
        return
    model = optimization.model
    optimization.delete()
    model.delete()


def has_served(optimization: Optimization) -> bool:
    """Whether anybody was ever shown a variant: by serve, or by what was sent in."""
    own = {"optimization_id": optimization.pk}
    return (
        Assignment.objects.filter(**own).exists()
        or Decision.objects.filter(**own).exists()
        or ManagedExposure.objects.filter(**own).exists()
    )


def _go_live(optimization: Optimization) -> None:
    """Fix what learning rests on, and open the first regime, at the first time."""
    _require_ready(optimization)
    if optimization.went_live_at is not None:
        return
    assert optimization.reward_metric is not None
    optimization.went_live_at = timezone.now()
    model = optimization.model
    outcomes = optimization.reward_metric.outcomes
    model.training_data_config["reward"]["outcomes"] = outcomes or []
    model.save(update_fields=["training_data_config", "updated_at"])
    versions.ensure_uniform_version(model, optimization.servable())
    regimes.open_regime(optimization, "went live", optimization.went_live_at)


def _require_ready(optimization: Optimization) -> None:
    if optimization.reward_metric is None:
        raise ConflictError("It needs a reward metric (reward_metric_id) to go live.")
    organization_id = optimization.organization_id
    if not connections.is_connected(organization_id):
        return
    if optimization.assignment_source is None:
        optimization.assignment_source = sources.find_default_source(organization_id)
    if optimization.assignment_source is None:
        raise ConflictError(
            "With a connected warehouse an assignment source is needed to go live: "
            "name one (assignment_source_id) or make one the default."
        )


def _format_refusal(before: str, to: str) -> str:
    ways = [str(status) for status in TRANSITIONS[before]]
    if before in {Status.DRAFT, Status.ARCHIVED}:
        ways.append("deleted")
    article = "An" if before == Status.ARCHIVED else "A"
    may = f"it may become {_join_alternatives(ways)}"
    return f"{article} {before} optimization cannot become {to}; {may}."


def _join_alternatives(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"
