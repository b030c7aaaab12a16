"""Training runs: request or join, send to a worker, cancel, and reap lost ones."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import ConflictError, FieldProblem, InvalidParametersError
from levered_site.near_names import suggest_name
from levered_site.organizations.models import Organization
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
    """Queue a run, or return the one that is open.

    After the commit its task is sent, if the organization has a free slot, otherwise when
    one of its runs ends. While the broker is down the run stays queued, and the reaper
    sends it later.

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
    transaction.on_commit(lambda: send_next_runs(model.organization_id), robust=True)
    return run


def _validate_bias(model: BanditModel, bias: Mapping[str, float]) -> None:
    names = [factor.name for factor in model.design.factors]
    problems = [
        FieldProblem(
            f"bias.{name}",
            f"is no design factor; the model has {', '.join(names)}"
            f"{suggest_name(name, names)}",
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


def send_next_runs(organization_id: str) -> int:
    """Send the organization's oldest waiting runs, as many as it has free slots.

    The database is the queue and the broker holds no more of an organization than it has
    slots. So the workers take the organizations in turns, however many runs one of them
    has requested. Returns how many runs were sent.
    """
    with transaction.atomic():
        # One at a time for each organization: two would fill the same slots.
        Organization.objects.select_for_update(no_key=True).filter(
            pk=organization_id
        ).first()
        run_ids = _list_sendable_runs(organization_id)
        # Before they are sent: the next caller must see that their slots are taken.
        TrainingRun.objects.filter(pk__in=run_ids).update(sent_at=timezone.now())
    return sum(send_run(run_id) for run_id in run_ids)


def _list_sendable_runs(organization_id: str) -> list[UUID]:
    """Return the oldest runs that wait, as many as there are free slots."""
    open_runs = TrainingRun.objects.filter(
        model__organization_id=organization_id, status__in=OPEN_STATUSES
    )
    waiting = open_runs.filter(status=Status.QUEUED, sent_at=None)
    taken = open_runs.count() - waiting.count()
    free = max(settings.TRAINING_SLOTS_PER_ORGANIZATION - taken, 0)
    return list(waiting.order_by("created_at").values_list("pk", flat=True)[:free])


def is_held_up(run: TrainingRun) -> bool:
    """Return whether a run is not sent in spite of a free slot: the broker is away.

    So it is also for moments after another run, and while the clock's question to the
    warehouse has the slot.
    """
    is_unsent = run.status == Status.QUEUED and run.sent_at is None
    return is_unsent and run.pk in _list_sendable_runs(run.model.organization_id)


def send_run(run_id: UUID) -> bool:
    """Send the task to the broker; log a warning and return False where it is down."""
    try:
        current_app.send_task(TRAIN_TASK, args=[str(run_id)])
    except (BrokerError, *CACHE_ERRORS) as error:
        log.warning("training_not_sent", run_id=str(run_id), error=str(error))
        return_run(run_id)
        return False
    TrainingRun.objects.filter(pk=run_id).update(
        sent_at=timezone.now(), sends=F("sends") + 1
    )
    return True


def return_run(run_id: UUID) -> None:
    """Let a queued run wait for a slot again; do nothing where it has been started."""
    TrainingRun.objects.filter(pk=run_id, status=Status.QUEUED).update(sent_at=None)


@transaction.atomic
def cancel_run(run: TrainingRun) -> TrainingRun:
    """Stop a run: at once while it is queued, otherwise within seconds.

    A running one ends its statement in the warehouse, or its phase in the worker. Raises ConflictError for a run that has ended.
    """
    queued = TrainingRun.objects.filter(pk=run.pk, status=Status.QUEUED)
    if not training_lease.end_run(queued, run.model_id, Status.CANCELLED, ""):
        requested = TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
            cancel_requested=True, updated_at=timezone.now()
        )
        if not requested:
            raise ConflictError("This run has ended: there is nothing to cancel.")
    else:  # its slot is free
        organization_id = run.model.organization_id
        transaction.on_commit(lambda: send_next_runs(organization_id), robust=True)
    run.refresh_from_db()
    return run


def reap_lost_runs() -> int:
    """Send lost runs again: silent ones, and queued ones that the broker never got.

    Returns how many were sent. A run that silenced its worker MAX_ATTEMPTS times fails;
    a silent run whose cancellation was requested is cancelled. A run that a worker began
    after it was sent is sent again at once. One that was sent and not begun is sent again
    after 30 s and then ever more rarely, because it may just wait for a busy worker. A run
    that was not sent waits for a slot of its organization.
    """
    now = timezone.now()
    sent = 0
    for run in TrainingRun.objects.filter(_silent(now) | Q(status=Status.QUEUED)):
        if run.status == Status.RUNNING and not _revive_run(run):
            continue
        if run.sent_at is None and run.status == Status.QUEUED:
            continue  # it waits for a slot
        if _is_resend_due(run, now):
            sent += send_run(run.pk)
    unsent = TrainingRun.objects.filter(status=Status.QUEUED, sent_at=None)
    organization_ids = unsent.values_list("model__organization_id", flat=True)
    return sent + sum(map(send_next_runs, sorted(set(organization_ids))))


def _silent(now: datetime) -> Q:
    """Select the runs whose worker sends no heartbeats.

    A heartbeat of the future is one too: it was sent before the clock was set back, and
    a living worker replaces it within seconds.
    """
    is_old = Q(heartbeat_at__lt=now - STALE_AFTER)
    return Q(status=Status.RUNNING) & (is_old | Q(heartbeat_at__gt=now + STALE_AFTER))


def _is_resend_due(run: TrainingRun, now: datetime) -> bool:
    """Return whether a run that was sent is likely lost; stamps of the future are."""
    sent_at = run.sent_at
    if sent_at is None or sent_at > now + STALE_AFTER:
        return True
    # How often it was sent since a worker last began it. A broker that delivers one task
    # twice begins a run more often than it was sent.
    waiting_sends = max(run.sends - run.attempts, 0)
    return not waiting_sends or sent_at < now - _compute_resend_delay(waiting_sends)


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


def _compute_resend_delay(waiting_sends: int) -> timedelta:
    doublings = min(waiting_sends - 1, 6)
    return min(STALE_AFTER * int(2**doublings), MAX_RESEND_DELAY)
