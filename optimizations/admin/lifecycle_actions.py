"""An optimization's deeds as staff may do them: the same verbs as the API's."""

from collections.abc import Callable

from django.http import HttpRequest
from unfold.enums import ActionVariant

from levered_site.admin.actions import AdminAction
from levered_site.organizations.admin import get_staff_actor
from models_app import runs
from optimizations.configuration import lifecycle
from optimizations.models import Optimization

Status = Optimization.Status


def request_training(optimization: Optimization, request: HttpRequest) -> None:
    """Ask for a training by its task's name, as this member of staff."""
    runs.request_training(
        optimization.model, requested_by=str(get_staff_actor(request))
    )


def _can_become(status: Status) -> Callable[[Optimization], bool]:
    return lambda it: status in lifecycle.TRANSITIONS[it.status]


ACTIONS = (
    AdminAction(
        name="train",
        title="Train now",
        question="A worker fits the model to everything observed so far and publishes "
        "the next policy. A training that is open already is joined.",
        done="Training asked for: {}",
        act=request_training,
        icon="model_training",
        variant=ActionVariant.PRIMARY,
        is_offered=lambda it: it.status == Status.LIVE,
    ),
    AdminAction(
        name="resume",
        title="Go live",
        question="It decides for visitors from now on, and learns. From a draft on, "
        "its factors are fixed; a shipment is undone.",
        done="Live: {}",
        act=lambda it, request: lifecycle.resume_optimization(
            it, get_staff_actor(request)
        ),
        icon="play_arrow",
        variant=ActionVariant.SUCCESS,
        is_offered=_can_become(Status.LIVE),
        confirm=True,
    ),
    AdminAction(
        name="pause",
        title="Pause",
        question="Clients show their fallback until it is live again; nothing is "
        "recorded meanwhile.",
        done="Paused: {}",
        act=lambda it, request: lifecycle.pause_optimization(
            it, get_staff_actor(request)
        ),
        icon="pause",
        is_offered=_can_become(Status.PAUSED),
        confirm=True,
    ),
    AdminAction(
        name="ship",
        title="Ship",
        question="Everybody gets the leading variant for their context, holdout and "
        "locks notwithstanding; learning stops and results freeze.",
        done="Shipped: {}",
        act=lambda it, request: lifecycle.ship_optimization(
            it, get_staff_actor(request)
        ),
        icon="rocket_launch",
        is_offered=_can_become(Status.SHIPPED),
        confirm=True,
    ),
    AdminAction(
        name="stop",
        title="Stop",
        question="It ends for good: serving answers 404, nothing is learned any more. "
        "This cannot be undone.",
        done="Stopped: {}",
        act=lambda it, request: lifecycle.stop_optimization(
            it, get_staff_actor(request)
        ),
        icon="stop_circle",
        variant=ActionVariant.DANGER,
        is_offered=_can_become(Status.COMPLETED),
        confirm=True,
    ),
    AdminAction(
        name="archive",
        title="Archive",
        question="It leaves the lists and serves no more; its data stay. This cannot "
        "be undone.",
        done="Archived: {}",
        act=lambda it, request: lifecycle.archive_optimization(
            it, get_staff_actor(request)
        ),
        icon="archive",
        is_offered=_can_become(Status.ARCHIVED),
        confirm=True,
    ),
    AdminAction(
        name="remove",
        title="Delete",
        question="A draft, or one that never served, is removed for real; an archived "
        "one is hidden and its data kept. This cannot be undone.",
        done="Deleted: {}",
        act=lambda it, request: lifecycle.delete_optimization(
            it, get_staff_actor(request)
        ),
        icon="delete",
        variant=ActionVariant.DANGER,
        is_offered=lambda it: it.status in {Status.DRAFT, Status.ARCHIVED},
        confirm=True,
    ),
)
