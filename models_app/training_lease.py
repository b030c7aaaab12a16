"""The lease of a training run: claim, heartbeat, progress, end, and the lock behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import structlog
from django.db import Error, connection, models, transaction
from django.db.models import F
from django.utils import timezone

from models_app import versions
from models_app.models import BanditModel, TrainingRun

Status = TrainingRun.Status
OPEN_STATUSES = (Status.QUEUED, Status.RUNNING)
HEARTBEAT_SECONDS = 2.0  # seconds between heartbeats; the reaper waits for 30
log = structlog.get_logger(__name__)


class RunCancelledError(Exception):
    """Somebody cancelled the run."""


class LeaseLostError(Exception):
    """The run went to another worker, or was ended, while its holder was away."""


@dataclass(frozen=True, slots=True)
class TrainingLease:
    """A claimed run: `attempt` is the holder's token, void once another claims it."""

    run_id: UUID
    model_id: UUID
    attempt: int
    bias: Mapping[str, float]


def acquire_lease(run_id: UUID) -> TrainingLease | None:
    """Take an open run; None where it has ended. Hold the model's lock before.

    The lock proves that nobody else is at work, so a run left `running` by a dead
    worker is taken whatever the age of its heartbeat.
    """
    now = timezone.now()
    taken = TrainingRun.objects.filter(
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
    if not taken:
        return None
    run = TrainingRun.objects.get(pk=run_id)
    return TrainingLease(run.pk, run.model_id, run.attempts, run.bias)


def renew_lease(held: TrainingLease) -> bool:
    """Show that the holder lives; False when it is asked to stop.

    Raises LostError when the run is no longer the holder's.
    """
    if not _select_leased_run(held).update(heartbeat_at=timezone.now()):
        raise LeaseLostError(str(held.run_id))
    return not _select_leased_run(held).filter(cancel_requested=True).exists()


def report_progress(
    held: TrainingLease, progress: float, seconds: Mapping[str, float]
) -> None:
    """Show how far a run has come: progress 0 to 1, seconds spent per phase."""
    _select_leased_run(held).update(
        progress=progress,
        seconds=dict(seconds),
        heartbeat_at=timezone.now(),
        updated_at=timezone.now(),
    )


def mark_succeeded(held: TrainingLease, **figures: Any) -> None:
    """End a run well; `figures` are fields of the row.

    Call inside the transaction that records the version. Raises LostError, which rolls
    it back, where the run was taken from the holder or is to be cancelled.
    """
    now = timezone.now()
    ended = (
        _select_leased_run(held)
        .filter(cancel_requested=False)
        .update(
            status=Status.SUCCEEDED,
            progress=1.0,
            finished_at=now,
            updated_at=now,
            **figures,
        )
    )
    if not ended:
        raise LeaseLostError(str(held.run_id))
    _set_model_status(held.model_id, BanditModel.Status.TRAINED)


def record_seconds(held: TrainingLease, seconds: Mapping[str, float]) -> None:
    """Add the seconds of the last phase, which ended with the run."""
    TrainingRun.objects.filter(pk=held.run_id, attempts=held.attempt).update(
        seconds=dict(seconds)
    )


@transaction.atomic
def mark_failed(held: TrainingLease, reason: str) -> None:
    """End a run with its reason; the serving policy and a trained model stay."""
    end_run(_select_leased_run(held), held.model_id, Status.FAILED, reason)


@transaction.atomic
def end_if_cancelled(held: TrainingLease) -> bool:
    """End a run that was asked to stop; False where nobody asked, or it is lost."""
    asked = _select_leased_run(held).filter(cancel_requested=True)
    return end_run(asked, held.model_id, Status.CANCELLED, "")


def _select_leased_run(held: TrainingLease) -> models.QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(
        pk=held.run_id, status=Status.RUNNING, attempts=held.attempt
    )


def end_run(
    run: models.QuerySet[TrainingRun], model_id: UUID, status: Status, reason: str
) -> bool:
    """End the run that the query finds, if it does, and settle its model's status.

    A model that has learned before stays `trained`. Call inside a transaction.
    """
    now = timezone.now()
    ended = run.update(status=status, error=reason, finished_at=now, updated_at=now)
    if ended:
        trained = (
            versions.find_trained_version(BanditModel.objects.get(pk=model_id))
            is not None
        )
        failed = status == Status.FAILED
        otherwise = (
            BanditModel.Status.FAILED if failed else BanditModel.Status.UNTRAINED
        )
        _set_model_status(
            model_id, BanditModel.Status.TRAINED if trained else otherwise
        )
    return bool(ended)


def _set_model_status(model_id: UUID, status: BanditModel.Status) -> None:
    BanditModel.objects.filter(pk=model_id).update(
        status=status, updated_at=timezone.now()
    )


class LeaseKeeper:
    """Holds a model's lock while inside `with`, and beats for a run once it is claimed.

    The lock belongs to the session of the thread that beats: while beats are written the
    lock is held, and a killed worker lets go of it at once.
    """

    def __init__(self, model_id: UUID) -> None:
        self._key = int.from_bytes(model_id.bytes[:8], signed=True)
        self._held: TrainingLease | None = None
        self._answered, self._claimed, self._over = Event(), Event(), Event()
        self._stopped = self._lost = False
        self.locked = False
        self._thread = Thread(
            target=self._run_heartbeat, name="training-watch", daemon=True
        )

    def __enter__(self) -> Self:
        """Try to take the lock; `locked` says whether this worker has it."""
        self._thread.start()
        self._answered.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the lock."""
        self._over.set()
        self._claimed.set()
        self._thread.join()

    def start_heartbeat(self, held: TrainingLease) -> None:
        """Start beating for a claimed run."""
        self._held = held
        self._claimed.set()

    def check(self) -> None:
        """Raise StoppedError where the run is cancelled, LostError where it is lost."""
        if self._lost:
            raise LeaseLostError("another worker has the run, or the database was away")
        if self._stopped:
            raise RunCancelledError

    def _run_heartbeat(self) -> None:
        try:
            self.locked = self._try_lock()
            self._answered.set()
            self._claimed.wait()
            while self.locked and not self._over.wait(HEARTBEAT_SECONDS):
                self._send_heartbeat()
        except (Error, LeaseLostError) as error:
            self._lost = True
            log.warning("training_lost", error=str(error))
        finally:
            self._answered.set()
            connection.close()

    def _try_lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [self._key])
            (locked,) = cursor.fetchone()
        return bool(locked)

    def _send_heartbeat(self) -> None:
        if self._held is not None and not renew_lease(self._held):
            self._stopped = True
