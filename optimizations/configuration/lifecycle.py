"""The life cycle: which status may follow which, and the effects of each change."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.configuration import (
    create_update,
    creation_refusals,
    launch,
    recording_gaps,
    regimes,
    served_changes,
    shipping,
)
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import snapshot_store
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
# Each has a row as soon as a user got a variant, by serve or by an ingested exposure.
SERVED_RECORDS = (Assignment, Decision, ManagedExposure)
UNARCHIVE_ADVICE = "POST /optimizations/:id/unarchive undoes archiving."
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
    """Create an optimization and let it go live if `status` (or its default) says so.

    `fields` is the API's create body, as the serializer validates it. `status` is by
    default live with a reward metric, draft without. Raises InvalidParametersError
    naming every field that breaks a rule, ConflictError if an assignment source is
    missing.
    """
    settings = {name: value for name, value in fields.items() if name != "status"}
    has_metric = settings.get("reward_metric_id") is not None
    status = fields.get("status", Status.LIVE if has_metric else Status.DRAFT)
    if status == Status.LIVE and not has_metric:
        raise creation_refusals.refuse_without_metric()
    optimization = create_update.create_draft(organization_id, actor, settings)
    if status == Status.LIVE:
        return change_status(optimization, Status.LIVE, actor)
    return optimization


@transaction.atomic
def update_optimization(
    optimization: Optimization, fields: Mapping[str, Any], actor: Actor
) -> Optimization:
    """Set fields by their API names, `status` last, which may need `confirm`.

    Raises what `update_configuration` and `change_status` raise.
    """
    settings = {
        name: value
        for name, value in fields.items()
        if name not in {"status", "confirm"}
    }
    status = fields.get("status")
    if settings:
        optimization = create_update.update_configuration(optimization, settings, actor)
    if status is not None and status != optimization.status:
        confirm = fields.get("confirm", False)
        optimization = change_status(optimization, status, actor, confirm=confirm)
    return optimization


@transaction.atomic
def change_status(
    optimization: Optimization, status: str, actor: Actor, *, confirm: bool = False
) -> Optimization:
    """Move an optimization to another status.

    Raises ConflictError that names the possible statuses, or what is missing to go live;
    ConfirmationRequiredError without `confirm` where settings.SHIP_GUARDS ask for one.
    """
    optimization = create_update.lock_optimization(optimization)
    before = optimization.status
    _require_transition(before, status)
    if status == Status.SHIPPED:
        shipping.prepare_shipping(optimization, confirm=confirm)
    _set_status(optimization, status)
    optimization.save()
    if status == Status.SHIPPED:
        regimes.open_regime(optimization, "shipped")
    elif before == Status.SHIPPED and status == Status.LIVE:
        regimes.open_regime(optimization, "unshipped")
    if Status.SHIPPED in {before, status}:
        served_changes.announce_change(optimization)
    recording_gaps.record_status_change(optimization, timezone.now())
    snapshot_store.publish_on_commit(optimization.pk)
    action = (
        "optimization.go_live"
        if before == Status.DRAFT and status == Status.LIVE
        else AUDIT_ACTIONS[Status(status)]
    )
    organization_id, changes = optimization.organization_id, {"status": status}
    audit.record(
        *(organization_id, actor, action, optimization, changes),
        before={"status": before},
    )
    return optimization


def _require_transition(before: str, status: str) -> None:
    if status == before:
        raise ConflictError(f"It is {status} already.")
    if status not in TRANSITIONS[before]:
        refusal = _format_refusal(before, f"become {status}")
        advice = f" {UNARCHIVE_ADVICE}" if before == Status.ARCHIVED else ""
        raise ConflictError(refusal + advice)


def _set_status(optimization: Optimization, status: str) -> None:
    """Set the status, and what goes with it; the caller saves."""
    now = timezone.now()
    if status == Status.ARCHIVED:
        optimization.status_before_archive = optimization.status
    optimization.status = status
    if status == Status.LIVE:
        launch.go_live(optimization)
        optimization.shipped_at = None  # going live undoes a shipment
    if status == Status.SHIPPED:
        optimization.shipped_at = now
    if status in ENDED_STATUSES:
        optimization.ended_at = optimization.ended_at or now


def pause_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Stop serving for a while: clients show their fallback."""
    return change_status(optimization, Status.PAUSED, actor)


def resume_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Go live: from a draft, after a pause, or to undo a shipment."""
    return change_status(optimization, Status.LIVE, actor)


def ship_optimization(
    optimization: Optimization, actor: Actor, *, confirm: bool = False
) -> Optimization:
    """Serve the leading variant to everyone; results freeze."""
    return change_status(optimization, Status.SHIPPED, actor, confirm=confirm)


def stop_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Complete an optimization; it cannot go live again."""
    return change_status(optimization, Status.COMPLETED, actor)


def archive_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Hide an optimization from lists; its data stay. See unarchiving.py to undo it."""
    return change_status(optimization, Status.ARCHIVED, actor)


@transaction.atomic
def delete_optimization(optimization: Optimization, actor: Actor) -> None:
    """Delete an optimization.

    A draft, or one that never served, is deleted with its data. One that served must be
    archived first; it is marked as deleted, and `purge` deletes its data later. Raises ConflictError for
    a live optimization, and for one that served and is not archived.
    """
    optimization = create_update.lock_optimization(optimization)
    status = optimization.status
    if status == Status.LIVE:
        raise ConflictError(_format_refusal(status, "be deleted"))
    is_data_kept = status != Status.DRAFT and has_served(optimization)
    if is_data_kept and status != Status.ARCHIVED:
        raise ConflictError(_format_refusal(status, "be deleted"))
    snapshot_store.publish_on_commit(optimization.pk)
    changes = {"status": status, "data_kept": is_data_kept}
    audit.record(
        optimization.organization_id,
        actor,
        "optimization.delete",
        optimization,
        changes,
    )
    if is_data_kept:
        optimization.deleted_at = timezone.now()
        optimization.save(update_fields=["deleted_at", "updated_at"])
        return
    model = optimization.model
    optimization.delete()
    model.delete()


def has_served(optimization: Optimization) -> bool:
    """Return whether a user ever got a variant, by serve or by an ingested exposure."""
    return any(
        model.objects.filter(optimization_id=optimization.pk).exists()
        for model in SERVED_RECORDS
    )


def _format_refusal(before: str, change: str) -> str:
    """Return why an optimization cannot "become live" or "be deleted", and what it can."""
    alternatives = []
    if TRANSITIONS[before]:
        alternatives.append(f"become {_join_alternatives(TRANSITIONS[before])}")
    if before in {Status.DRAFT, Status.ARCHIVED}:
        alternatives.append("be deleted")
    article = "An" if before == Status.ARCHIVED else "A"
    return (
        f"{article} {before} optimization cannot {change}; "
        f"it may {' or '.join(alternatives)}."
    )


def _join_alternatives(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
