"""Admin actions of an optimization: the operations that the API offers."""

from collections.abc import Callable

from django.http import HttpRequest
from unfold.enums import ActionVariant

from levered_site.admin import objections
from levered_site.admin.actions import AdminAction
from levered_site.admin.objections import Objections
from levered_site.errors import ConfirmationRequiredError, ConflictError
from levered_site.organizations.admin import get_staff_actor
from models_app import runs
from optimizations.configuration import lifecycle, unarchiving
from optimizations.models import Optimization
from optimizations.results.health import health_storage, ship_guard

Status = Optimization.Status
TICK_THE_BOX = f"tick “{objections.TICK_LABEL}” where Ship asks to confirm"

GOING_LIVE_IN_GENERAL = (
    "Visitors are served and the models learn from now on. Factors, levels, metric and "
    "expected users of a draft cannot be changed any more. What was shipped is taken "
    "back: the holdout gets the baseline again."
)
GOING_LIVE = {
    Status.DRAFT: "Visitors are served and the model learns from now on. Factors, levels, "
    "the metric and the expected users cannot be changed any more.",
    Status.PAUSED: "Visitors are served again, by what the model has learned so far, and "
    "it learns on.",
    Status.SHIPPED: "What was shipped is taken back: the policy shares out the variants "
    "again, the holdout gets the baseline again, and the model learns on.",
}


def request_training(optimization: Optimization, request: HttpRequest) -> None:
    """Queue a training, as the staff user of the request."""
    runs.request_training(
        optimization.model, requested_by=str(get_staff_actor(request))
    )


def list_ship_objections(optimization: Optimization) -> list[str]:
    """Return why the optimization should not ship, and what to do instead."""
    reasons = ship_guard.judge_shipping(optimization).reasons
    return [f"{reason.message} {reason.next}" for reason in reasons]


def ship(optimization: Optimization, request: HttpRequest) -> None:
    """Ship, or be refused without the tick; what the warehouse counted for it stays."""
    is_ticked = objections.has_ticked(request)
    if not is_ticked:
        ship_guard.count_before_judging(optimization)
    actor = get_staff_actor(request)
    try:
        lifecycle.ship_optimization(optimization, actor, confirm=is_ticked)
    except ConfirmationRequiredError as error:  # its message is for the API
        raise ConflictError(
            ship_guard.describe_refusal(optimization, error.reasons, TICK_THE_BOX)
        ) from error


def _can_become(status: Status) -> Callable[[Optimization], bool]:
    return lambda optimization: status in lifecycle.TRANSITIONS[optimization.status]


def explain_going_live(optimization: Optimization) -> str:
    """Return what going live does in the status of the optimization."""
    return GOING_LIVE.get(Status(optimization.status), GOING_LIVE_IN_GENERAL)


def count(optimization: Optimization, _request: HttpRequest) -> None:
    """Have the warehouse count now, and judge the health by it."""
    health_storage.refresh_results(optimization)


ACTIONS = (
    AdminAction(
        name="count",
        title="Count now",
        question=lambda each: f"Count “{each}” now?",
        confirmation_text=(
            "The warehouse counts the days that may still change, for the reward and all "
            "guardrails. It may take a while, and a warehouse may charge for it."
        ),
        success_message="Counted: {}",
        run=count,
        icon="calculate",
        is_offered=lambda optimization: optimization.went_live_at is not None,
    ),
    AdminAction(
        name="train",
        title="Train now",
        question=lambda each: f"Train the model of “{each}” now?",
        confirmation_text=(
            "A worker fits the model to all observations and publishes the next "
            "policy. If a training is queued or running, none is added."
        ),
        success_message="Training requested: {}",
        run=request_training,
        icon="model_training",
        variant=ActionVariant.PRIMARY,
        is_offered=lambda optimization: optimization.status == Status.LIVE,
    ),
    AdminAction(
        name="resume",
        title="Go live",
        question=lambda each: f"Go live with “{each}”?",
        confirmation_text=GOING_LIVE_IN_GENERAL,
        explain=explain_going_live,
        success_message="Live: {}",
        run=lambda optimization, request: lifecycle.resume_optimization(
            optimization, get_staff_actor(request)
        ),
        icon="play_arrow",
        variant=ActionVariant.SUCCESS,
        is_offered=_can_become(Status.LIVE),
        confirm_selection=True,
    ),
    AdminAction(
        name="pause",
        title="Pause",
        question=lambda each: f"Pause “{each}”?",
        confirmation_text=(
            "Clients show their fallback until the optimization is live again. Until "
            "then nothing is recorded."
        ),
        success_message="Paused: {}",
        run=lambda optimization, request: lifecycle.pause_optimization(
            optimization, get_staff_actor(request)
        ),
        icon="pause",
        is_offered=_can_become(Status.PAUSED),
        confirm_selection=True,
    ),
    AdminAction(
        name="ship",
        title="Ship",
        question=lambda each: f"Ship “{each}”?",
        confirmation_text=(
            "Every visitor gets the leading variant for their context, held out or not. "
            "Learning stops and results freeze. “Go live” takes it back."
        ),
        success_message="Shipped: {}",
        run=ship,
        objections=Objections(list_ship_objections),
        icon="rocket_launch",
        is_offered=_can_become(Status.SHIPPED),
        confirm_selection=True,
        role="owner",
    ),
    AdminAction(
        name="stop",
        title="Stop",
        question=lambda each: f"Stop “{each}”?",
        confirmation_text=(
            "The optimization ends: serving answers 404 and learning stops. This "
            "cannot be undone."
        ),
        success_message="Stopped: {}",
        run=lambda optimization, request: lifecycle.stop_optimization(
            optimization, get_staff_actor(request)
        ),
        icon="stop_circle",
        variant=ActionVariant.DANGER,
        is_offered=_can_become(Status.COMPLETED),
        confirm_selection=True,
        role="owner",
    ),
    AdminAction(
        name="archive",
        title="Archive",
        question=lambda each: f"Archive “{each}”?",
        confirmation_text=(
            "The optimization leaves the API's lists and stops serving. Its data stay. "
            "Unarchive undoes it; one that was live comes back paused."
        ),
        success_message="Archived: {}",
        run=lambda optimization, request: lifecycle.archive_optimization(
            optimization, get_staff_actor(request)
        ),
        icon="archive",
        is_offered=_can_become(Status.ARCHIVED),
        confirm_selection=True,
        role="owner",
    ),
    AdminAction(
        name="unarchive",
        title="Unarchive",
        question=lambda each: f"Unarchive “{each}”?",
        confirmation_text=(
            "The optimization has the status of before again. One that was live is "
            "paused: nobody is served until it goes live."
        ),
        success_message="Unarchived: {}",
        run=lambda optimization, request: unarchiving.unarchive_optimization(
            optimization, get_staff_actor(request)
        ),
        icon="unarchive",
        is_offered=lambda optimization: optimization.status == Status.ARCHIVED,
        confirm_selection=True,
        role="owner",
    ),
    AdminAction(
        name="remove",
        title="Delete",
        question=lambda each: f"Delete “{each}”?",
        confirmation_text=(
            "An optimization that never served is removed from the database; an "
            "archived one is hidden and its data stay. This cannot be undone."
        ),
        success_message="Deleted: {}",
        run=lambda optimization, request: lifecycle.delete_optimization(
            optimization, get_staff_actor(request)
        ),
        icon="delete",
        variant=ActionVariant.DANGER,
        is_offered=lambda optimization: (
            optimization.status in {Status.DRAFT, Status.ARCHIVED}
        ),
        confirm_selection=True,
        role="owner",
    ),
)
