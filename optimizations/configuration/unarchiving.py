"""Undo archiving: the way back of an optimization that was archived by mistake."""

from django.db import transaction
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.configuration import create_update, recording_gaps
from optimizations.models import Optimization
from optimizations.serving import snapshot_store

Status = Optimization.Status


@transaction.atomic
def unarchive_optimization(optimization: Optimization, actor: Actor) -> Optimization:
    """Return an archived optimization to the status that it had before.

    One that was live comes back paused: nobody is served until somebody makes it live
    again. Raises ConflictError if it is not archived, if its model was deleted, or if
    its metric's reward type or outcomes changed meanwhile.
    """
    optimization = create_update.lock_optimization(optimization)
    if optimization.status != Status.ARCHIVED:
        raise ConflictError(
            "Only an archived optimization can be unarchived; this one is "
            f"{optimization.status}."
        )
    status = find_status_before(optimization)
    _require_same_goal(optimization)
    optimization.status = status
    optimization.status_before_archive = ""
    if status != Status.COMPLETED:
        optimization.ended_at = None
    optimization.save()
    recording_gaps.record_status_change(optimization, timezone.now())
    snapshot_store.publish_on_commit(optimization.pk)
    organization_id, action = optimization.organization_id, "optimization.unarchive"
    changes, before = {"status": status}, {"status": Status.ARCHIVED}
    audit.record(organization_id, actor, action, optimization, changes, before=before)
    return optimization


def find_status_before(optimization: Optimization) -> Status:
    """Return the status that unarchiving gives an archived optimization.

    An optimization that was live and was archived before this was stored counts as
    completed.
    """
    before = optimization.status_before_archive
    if before == Status.LIVE:
        return Status.PAUSED
    if before:
        return Status(before)
    return Status.DRAFT if optimization.went_live_at is None else Status.COMPLETED


def _require_same_goal(optimization: Optimization) -> None:
    """Raise ConflictError if what it learned no longer has a model, or another goal.

    Metrics and models may change while all their optimizations are archived.
    """
    if optimization.model.deleted_at is not None:
        raise ConflictError("Its model was deleted, so it cannot be unarchived.")
    metric = optimization.reward_metric
    if metric is None or optimization.went_live_at is None:
        return
    reward = optimization.model.training_data_config["reward"]
    outcomes = metric.outcomes or []
    if metric.reward_type != reward["type"] or outcomes != reward["outcomes"]:
        raise ConflictError(
            f"The metric “{metric}” counts something else now, so the optimization "
            "cannot be unarchived. Create a new optimization with it."
        )
