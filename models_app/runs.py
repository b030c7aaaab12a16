"""Training runs: request or join, send to a worker, cancel, and reap lost ones."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import ConflictError, FieldProblem, InvalidParametersError
from models_app import training_lease
from models_app.models import BanditModel, TrainingRun

TRAIN_TASK = "optimizations.train"
STALE_AFTER = timedelta(seconds=30)
MAX_RESEND_DELAY = timedelta(minutes=30)
MAX_ATTEMPTS = 5
MIN_BIAS, MAX_BIAS = -1.0, 100.0

Status = TrainingRun.Status
OPEN_STATUSES = training_lease.OPEN_STATUSES
log = structlog.get_logger(__name__)


def require_trainable(model: BanditModel) -> None:
    """Raise ConflictError unless the model's optimization is live.

    Reads the status through the relation between the two: this app must not import
    optimizations.
    """
    status = model.optimization.status
    if status != "live":
        raise ConflictError(
            f"Only a live optimization can be trained; this one is {status}."
        )


def request_training(
    model: BanditModel, *, requested_by: str, bias: Mapping[str, float] | None = None
) -> TrainingRun:
    """Queue a run, or return the one that is open; the task is sent after the commit.

    While the broker is down the run stays queued, and the reaper sends it later.

    Raises ConflictError unless the optimization is live, InvalidParametersError for a
    bias of an unknown factor or outside -1 to 100.
    """
    require_trainable(model)
    _validate_bias(model, bias or {})
    try:
        with transaction.atomic():
            run = model.training_runs.create(
                requested_by=requested_by, bias=dict(bias or {})
            )
            BanditModel.objects.filter(pk=model.pk).update(
                status=BanditModel.Status.TRAINING, updated_at=timezone.now()
            )
    except IntegrityError:
        open_run = model.training_runs.filter(status__in=OPEN_STATUSES).first()
        # None: the open run ended between the two statements, so its result is fresh.
        return open_run or model.training_runs.latest("created_at")
    transaction.on_commit(lambda: send_run(run.pk))
    return run


def _validate_bias(model: BanditModel, bias: Mapping[str, float]) -> None:
    names = [factor.name for factor in model.design.factors]
    problems = [
        FieldProblem(
            f"bias.{name}", f"is no design factor; the model has {', '.join(names)}"
        )
        for name in bias
        if name not in names
    ] + [
        FieldProblem(f"bias.{name}", "must be a number from -1 to 100")
        for name, value in bias.items()
        if not MIN_BIAS <= value <= MAX_BIAS
    ]
    if problems:
        raise InvalidParametersError("`bias` has invalid entries.", problems)


def send_run(run_id: UUID) -> bool:
    """Send the task to the broker; log a warning and return False where it is down."""
    try:
        current_app.send_task(TRAIN_TASK, args=[str(run_id)])
    except (BrokerError, *CACHE_ERRORS) as error:
        log.warning("training_not_sent", run_id=str(run_id), error=str(error))
        return False
    TrainingRun.objects.filter(pk=run_id).update(
        sent_at=timezone.now(), sends=F("sends") + 1
    )
    return True


@transaction.atomic
def cancel_run(run: TrainingRun) -> TrainingRun:
    """Stop a run: at once while it is queued, otherwise at its next phase.

    Raises ConflictError for a run that has ended.
    """
    queued = TrainingRun.objects.filter(pk=run.pk, status=Status.QUEUED)
    if not training_lease.end_run(queued, run.model_id, Status.CANCELLED, ""):
        requested = TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
            cancel_requested=True, updated_at=timezone.now()
        )
        if not requested:
            raise ConflictError("This run has ended: there is nothing to cancel.")
    run.refresh_from_db()
    return run


def reap_lost_runs() -> int:
    """Send lost runs again: silent ones, and queued ones that the broker never got.

    Returns how many were sent. A run that silenced its worker MAX_ATTEMPTS times fails;
    a silent run whose cancellation was requested is cancelled. A queued run is sent again
    after 30 s and then ever more rarely, because it may just wait for a busy worker.
    """
    now = timezone.now()
    silent = Q(status=Status.RUNNING, heartbeat_at__lt=now - STALE_AFTER)
    waiting = Q(status=Status.QUEUED)
    sent = 0
    for run in TrainingRun.objects.filter(silent | waiting):
        if run.status == Status.RUNNING and not _revive_run(run):
            continue
        if run.sent_at is None or run.sent_at < now - _compute_resend_delay(run.sends):
            sent += send_run(run.pk)
    return sent


def _revive_run(run: TrainingRun) -> bool:
    """End a silent run, or return True where it should be sent again."""
    unchanged = TrainingRun.objects.filter(
        pk=run.pk, attempts=run.attempts, heartbeat_at=run.heartbeat_at
    )
    with transaction.atomic():
        if run.cancel_requested:
            training_lease.end_run(unchanged, run.model_id, Status.CANCELLED, "")
            return False
        if run.attempts >= MAX_ATTEMPTS:
            reason = f"given up after {run.attempts} attempts that did not finish"
            training_lease.end_run(unchanged, run.model_id, Status.FAILED, reason)
            return False
    return True


def _compute_resend_delay(sends: int) -> timedelta:
    doublings = min(max(sends - 1, 0), 6)
    return min(STALE_AFTER * int(2**doublings), MAX_RESEND_DELAY)
