"""A training followed live: a bar that asks again until the training has ended."""

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from levered_site.admin import html
from models_app.models import TrainingRun
from optimizations.models import Optimization

Status = TrainingRun.Status
OPEN = frozenset({Status.QUEUED, Status.RUNNING})
URL_NAME = "optimizations_optimization_training"
TEMPLATE = "levered_admin/optimization/training.html"


@dataclass(frozen=True, slots=True)
class TrainingView:
    """A training as the page shows it; `poll_url` is empty once it has ended."""

    text: str
    percent: int
    color: str
    poll_url: str
    run_url: str
    error: str


def build_training(optimization: Optimization, run: TrainingRun) -> TrainingView:
    """Return how far a training is, or how it ended."""
    is_open = run.status in OPEN
    percent = round(100 * min(max(run.progress, 0.0), 1.0))
    texts: dict[str, str] = {
        Status.QUEUED: "A training waits for a worker.",
        Status.RUNNING: f"A training is running: {percent}%.",
        Status.SUCCEEDED: f"The training has ended: policy version {run.policy_version} "
        "was published.",
        Status.FAILED: "The training failed.",
        Status.CANCELLED: "The training was cancelled.",
    }
    path = reverse(f"admin:{URL_NAME}", args=[optimization.pk])
    return TrainingView(
        text=texts[run.status],
        percent=percent,
        color=html.STATUS_COLORS[run.status],
        poll_url=f"{path}?run={run.pk}" if is_open else "",
        run_url=reverse("admin:models_app_trainingrun_change", args=[run.pk]),
        error=run.error[:300],
    )


def find_open_training(optimization: Optimization) -> TrainingView | None:
    """Return the training that is queued or running; None without one."""
    if getattr(optimization, "last_run", Status.QUEUED) not in OPEN:
        return None  # the page read the newest one's status with the optimization
    run = optimization.model.training_runs.filter(status__in=OPEN).first()
    return None if run is None else build_training(optimization, run)


def answer_poll(request: HttpRequest, optimization: Optimization) -> HttpResponse:
    """Return the bar of the run that the page follows. Raises Http404 for another's run."""
    try:
        number = UUID(request.GET.get("run", ""))
    except ValueError as error:
        raise Http404 from error
    run = optimization.model.training_runs.filter(pk=number).first()
    if run is None:
        raise Http404
    context = {"training": build_training(optimization, run), "original": optimization}
    return TemplateResponse(request, TEMPLATE, context)
