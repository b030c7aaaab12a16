"""Training runs: ask for one or join it, send it to a worker, cancel it, reap the lost."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from levered_site.errors import ConflictError, FieldProblem, InvalidParametersError
from models_app import training_lease
from models_app.models import BanditModel, TrainingRun

TRAIN_TASK = "optimizations.train"
STALE_AFTER = timedelta(seconds=30)
LONGEST_RESEND_DELAY = timedelta(minutes=30)
MOST_ATTEMPTS = 5
MOST_BIAS = 100.0

Status = TrainingRun.Status
OPEN_STATUSES = training_lease.OPEN_STATUSES
log = structlog.get_logger(__name__)


def require_trainable(model: BanditModel) -> None:
    """Raise ConflictError, with the reason, where there is nothing to be learned.

    The model's optimization is reached through the relation that it has to its model:
    this room knows that it has a status, not what else it is.
    """
    status = model.optimization.status
    if status != "live":
        raise ConflictError(
            f"Learning is on while the optimization is live; this one is {status}."
        )


def request_training(
    model: BanditModel, *, requested_by: str, bias: Mapping[str, float] | None = None
) -> TrainingRun:
    """Queue a run, or join the one that is open; the task is sent after the commit.

    A broker that is away costs nothing: the row stays queued and the reaper sends it.

    Raises ConflictError where there is nothing to be learned, InvalidParametersError
    for a bias of an unknown factor or out of -1 to 100.
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
        joined = model.training_runs.filter(status__in=OPEN_STATUSES).first()
        # It ended between the two statements: what it learned is as fresh as can be.
        return joined or model.training_runs.latest("created_at")
    transaction.on_commit(lambda: send_run(run.pk))
    return run


def _validate_bias(model: BanditModel, bias: Mapping[str, float]) -> None:
    names = [factor.name for factor in model.design.factors]
    problems = [
        FieldProblem(f"bias.{name}", "is no design factor of the model")
        for name in bias
        if name not in names
    ] + [
        FieldProblem(f"bias.{name}", "must be a number from -1 to 100")
        for name, value in bias.items()
        if not -1 <= value <= MOST_BIAS
    ]
    if problems:
        raise InvalidParametersError("The bias is not acceptable.", problems)


def send_run(run_id: UUID) -> bool:
    """Give the task to the broker; False, and a log line, when it is away."""
    try:
        current_app.send_task(TRAIN_TASK, args=[str(run_id)])
    except (BrokerError, RedisError, OSError) as error:
        log.warning("training_not_sent", run_id=str(run_id), error=str(error))
        return False
    TrainingRun.objects.filter(pk=run_id).update(
        sent_at=timezone.now(), sends=F("sends") + 1
    )
    return True


@transaction.atomic
def cancel_run(run: TrainingRun) -> TrainingRun:
    """Stop a run: at once while it is queued, else at its next phase.

    Raises ConflictError for one that has ended.
    """
    queued = TrainingRun.objects.filter(pk=run.pk, status=Status.QUEUED)
    if not training_lease.end_run(queued, run.model_id, Status.CANCELLED, ""):
        asked = TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
            cancel_requested=True, updated_at=timezone.now()
        )
        if not asked:
            raise ConflictError("This run has ended: there is nothing to cancel.")
    run.refresh_from_db()
    return run


def reap_lost_runs() -> int:
    """Send again what was lost: silent runs, and queued ones the broker never had.

    Returns how many were sent. A run that killed its worker MOST_ATTEMPTS times fails;
    one that was to be cancelled is. A queued run is sent again after 30 s, then ever
    more rarely, because it may merely wait for a busy worker.
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
    """Decide about a silent run: end it, or let it be sent again."""
    same = TrainingRun.objects.filter(
        pk=run.pk, attempts=run.attempts, heartbeat_at=run.heartbeat_at
    )
    with transaction.atomic():
        if run.cancel_requested:
            training_lease.end_run(same, run.model_id, Status.CANCELLED, "")
            return False
        if run.attempts >= MOST_ATTEMPTS:
            reason = f"given up after {run.attempts} attempts that did not end"
            training_lease.end_run(same, run.model_id, Status.FAILED, reason)
            return False
    return True


def _compute_resend_delay(sends: int) -> timedelta:
    doublings = min(max(sends - 1, 0), 6)
    return min(STALE_AFTER * int(2**doublings), LONGEST_RESEND_DELAY)
