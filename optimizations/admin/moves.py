"""An optimization's deeds as staff may do them: the same verbs as the API's."""

from collections.abc import Callable

from django.http import HttpRequest
from unfold.enums import ActionVariant

from levered_site.admin.actions import Deed
from levered_site.organizations.admin import actor
from models_app import runs
from optimizations.configuration import lifecycle
from optimizations.models import Optimization

Status = Optimization.Status


def train(optimization: Optimization, request: HttpRequest) -> None:
    """Ask for a training by its task's name, as this member of staff."""
    runs.ask(optimization.model, requested_by=str(actor(request)))


def _may_become(status: Status) -> Callable[[Optimization], bool]:
    return lambda it: status in lifecycle.MOVES[it.status]


DEEDS = (
    Deed(
        name="train",
        title="Train now",
        question="A worker fits the model to everything observed so far and publishes "
        "the next policy. A training that is open already is joined.",
        done="Training asked for: {}",
        act=train,
        icon="model_training",
        variant=ActionVariant.PRIMARY,
        offered=lambda it: it.status == Status.LIVE,
    ),
    Deed(
        name="resume",
        title="Go live",
        question="It decides for visitors from now on, and learns. From a draft on, "
        "its factors are fixed; a shipment is undone.",
        done="Live: {}",
        act=lambda it, request: lifecycle.resume(it, actor(request)),
        icon="play_arrow",
        variant=ActionVariant.SUCCESS,
        offered=_may_become(Status.LIVE),
        confirm=True,
    ),
    Deed(
        name="pause",
        title="Pause",
        question="Clients show their fallback until it is live again; nothing is "
        "recorded meanwhile.",
        done="Paused: {}",
        act=lambda it, request: lifecycle.pause(it, actor(request)),
        icon="pause",
        offered=_may_become(Status.PAUSED),
        confirm=True,
    ),
    Deed(
        name="ship",
        title="Ship",
        question="Everybody gets the leading variant for their context, holdout and "
        "locks notwithstanding; learning stops and results freeze.",
        done="Shipped: {}",
        act=lambda it, request: lifecycle.ship(it, actor(request)),
        icon="rocket_launch",
        offered=_may_become(Status.SHIPPED),
        confirm=True,
    ),
    Deed(
        name="stop",
        title="Stop",
        question="It ends for good: serving answers 404, nothing is learned any more. "
        "This cannot be undone.",
        done="Stopped: {}",
        act=lambda it, request: lifecycle.stop(it, actor(request)),
        icon="stop_circle",
        variant=ActionVariant.DANGER,
        offered=_may_become(Status.COMPLETED),
        confirm=True,
    ),
    Deed(
        name="archive",
        title="Archive",
        question="It leaves the lists and serves no more; its data stay. This cannot "
        "be undone.",
        done="Archived: {}",
        act=lambda it, request: lifecycle.archive(it, actor(request)),
        icon="archive",
        offered=_may_become(Status.ARCHIVED),
        confirm=True,
    ),
    Deed(
        name="remove",
        title="Delete",
        question="A draft, or one that never served, is removed for real; an archived "
        "one is hidden and its data kept. This cannot be undone.",
        done="Deleted: {}",
        act=lambda it, request: lifecycle.delete(it, actor(request)),
        icon="delete",
        variant=ActionVariant.DANGER,
        offered=lambda it: it.status in {Status.DRAFT, Status.ARCHIVED},
        confirm=True,
    ),
)
