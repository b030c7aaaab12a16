"""The lease of a training run: acquire, heartbeat, progress, end, and the model's lock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import structlog
from django.db import Error, connection, models, transaction
from django.db.models import F
from django.utils import timezone

from levered_site.database import fetch_row
from models_app import versions
from models_app.models import BanditModel, TrainingRun

Status = TrainingRun.Status
OPEN_STATUSES = (Status.QUEUED, Status.RUNNING)
HEARTBEAT_SECONDS = 2.0  # between heartbeats; the reaper waits for 30
log = structlog.get_logger(__name__)


class RunCancelledError(Exception):
    """Someone cancelled the run."""


class LeaseLostError(Exception):
    """The run was ended, or another worker acquired it."""


@dataclass(frozen=True, slots=True)
class TrainingLease:
    """A claimed run. `attempt` proves who holds it: the next claim increases it."""

    run_id: UUID
    model_id: UUID
    attempt: int
    bias: Mapping[str, float]


def acquire_lease(run_id: UUID) -> TrainingLease | None:
    """Claim an open run; None where it has ended. Call while holding the model's lock.

    The lock proves that no other worker trains the model. So a run that a dead worker
    left `running` is claimed whatever the age of its heartbeat.
    """
    now = timezone.now()
    claimed = TrainingRun.objects.filter(
        pk=run_id, status__in=OPEN_STATUSES, cancel_requested=False
    ).update(
        status=Status.RUNNING,
        started_at=now,
        heartbeat_at=now,
        attempts=F("attempts") + 1,
        progress=0.0,
        error="",
        updated_at=now,
    )
    if not claimed:
        return None
    run = TrainingRun.objects.get(pk=run_id)
    return TrainingLease(run.pk, run.model_id, run.attempts, run.bias)


def renew_lease(lease: TrainingLease) -> bool:
    """Write a heartbeat. Return False if a cancellation was requested.

    Raises LeaseLostError if the run was ended or another worker acquired it.
    """
    if not _select_leased_run(lease).update(heartbeat_at=timezone.now()):
        raise LeaseLostError(str(lease.run_id))
    return not _select_leased_run(lease).filter(cancel_requested=True).exists()


def report_progress(
    lease: TrainingLease, progress: float, seconds: Mapping[str, float]
) -> None:
    """Store how far the run has come: progress 0 to 1, seconds spent per phase."""
    _select_leased_run(lease).update(
        progress=progress,
        seconds=dict(seconds),
        heartbeat_at=timezone.now(),
        updated_at=timezone.now(),
    )


def mark_succeeded(lease: TrainingLease, **fields: Any) -> None:
    """End a run as succeeded; `fields` are further fields of its row.

    Call inside the transaction that publishes the policy version. Raises
    LeaseLostError, which rolls that transaction back, if the run was ended, was acquired
    by another worker or is to be cancelled.
    """
    now = timezone.now()
    ended_count = (
        _select_leased_run(lease)
        .filter(cancel_requested=False)
        .update(
            status=Status.SUCCEEDED,
            progress=1.0,
            finished_at=now,
            updated_at=now,
            **fields,
        )
    )
    if not ended_count:
        raise LeaseLostError(str(lease.run_id))
    _set_model_status(lease.model_id, BanditModel.Status.TRAINED)


def record_seconds(lease: TrainingLease, seconds: Mapping[str, float]) -> None:
    """Store the seconds per phase of a run that has ended, its last phase included."""
    TrainingRun.objects.filter(pk=lease.run_id, attempts=lease.attempt).update(
        seconds=dict(seconds)
    )


@transaction.atomic
def mark_failed(
    lease: TrainingLease,
    reason: str,
    *,
    model_status: BanditModel.Status = BanditModel.Status.FAILED,
) -> None:
    """End a run as failed. The serving policy stays, and a trained model stays trained.

    Another model gets `model_status`.
    """
    run = _select_leased_run(lease)
    if end_run(run, lease.model_id, Status.FAILED, reason):
        untrained = BanditModel.objects.filter(status=BanditModel.Status.FAILED)
        untrained.filter(pk=lease.model_id).update(status=model_status)


@transaction.atomic
def end_if_cancelled(lease: TrainingLease) -> bool:
    """End a run whose cancellation was requested; False if it was not, or it is lost."""
    cancelled = _select_leased_run(lease).filter(cancel_requested=True)
    return end_run(cancelled, lease.model_id, Status.CANCELLED, "")


def _select_leased_run(lease: TrainingLease) -> models.QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(
        pk=lease.run_id, status=Status.RUNNING, attempts=lease.attempt
    )


def end_run(
    run: models.QuerySet[TrainingRun], model_id: UUID, status: Status, reason: str
) -> bool:
    """End the run that the query selects, and set its model's status.

    Returns False if the query selects none. A model trained before stays `trained`.
    Call inside a transaction.
    """
    now = timezone.now()
    is_ended = bool(
        run.update(status=status, error=reason, finished_at=now, updated_at=now)
    )
    if is_ended:
        model = BanditModel.objects.get(pk=model_id)
        if versions.find_trained_version(model) is not None:
            _set_model_status(model_id, BanditModel.Status.TRAINED)
        elif status == Status.FAILED:
            _set_model_status(model_id, BanditModel.Status.FAILED)
        else:
            _set_model_status(model_id, BanditModel.Status.UNTRAINED)
    return is_ended


def _set_model_status(model_id: UUID, status: BanditModel.Status) -> None:
    BanditModel.objects.filter(pk=model_id).update(
        status=status, updated_at=timezone.now()
    )


class LeaseKeeper:
    """Hold a model's lock while inside `with`, and keep up a lease's heartbeat.

    The advisory lock belongs to the database session of the heartbeat thread. So the
    lock is held while heartbeats are written, and a killed worker releases it at once.
    """

    def __init__(self, model_id: UUID, stop_work: Callable[[], None]) -> None:
        """Keep the lease; `stop_work` is called while the run has to stop.

        That is in the heartbeat thread, at each heartbeat, so it may be called again.
        """
        self._stop_work = stop_work
        self._lock_key = int.from_bytes(model_id.bytes[:8], signed=True)
        self._lease: TrainingLease | None = None
        self._lock_attempted = Event()
        self._heartbeat_requested = Event()
        self._exit_requested = Event()
        self._is_cancelled = False
        self._is_lost = False
        self.has_lock = False
        self._thread = Thread(
            target=self._run_heartbeat, name="training-heartbeat", daemon=True
        )

    def __enter__(self) -> Self:
        """Try to take the lock; `has_lock` says whether this worker has it."""
        self._thread.start()
        self._lock_attempted.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        self._exit_requested.set()
        self._heartbeat_requested.set()
        self._thread.join()

    def start_heartbeat(self, lease: TrainingLease) -> None:
        """Start to renew a lease regularly."""
        self._lease = lease
        self._heartbeat_requested.set()

    def check(self) -> None:
        """Raise RunCancelledError or LeaseLostError if the run must stop."""
        if self._is_lost:
            raise LeaseLostError("another worker has the run, or the database was away")
        if self._is_cancelled:
            raise RunCancelledError

    def _run_heartbeat(self) -> None:
        try:
            self.has_lock = self._try_lock()
            self._lock_attempted.set()
            self._heartbeat_requested.wait()
            while self.has_lock and not self._exit_requested.wait(HEARTBEAT_SECONDS):
                self._send_heartbeat()
        except (Error, LeaseLostError) as error:
            self._is_lost = True
            self._stop_work()
            log.warning("training_lost", error=str(error))
        finally:
            self._lock_attempted.set()
            connection.close()

    def _try_lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_lock(%s) AS has_lock", [self._lock_key]
            )
            return bool(fetch_row(cursor).has_lock)

    def _send_heartbeat(self) -> None:
        if self._lease is not None and not renew_lease(self._lease):
            self._is_cancelled = True
            self._stop_work()
