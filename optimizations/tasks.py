"""Celery tasks. Each calls one function; arguments are ids."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from models_app import runs
from optimizations.configuration import purge
from optimizations.cube import count_failures
from optimizations.results.health import health_storage
from optimizations.training import (
    run,
    schedule,
    version_retention,
    warehouse_question,
)
from warehouse import closed_days


@shared_task(name="optimizations.train")
def train(run_id: str) -> None:
    """Execute a queued training run; if delivered twice, it is executed once."""
    run.run_training(UUID(run_id))


@shared_task(name="optimizations.retrain_due")
def retrain_due() -> None:
    """Queue due training runs, and record how old policies are and what is not counted.

    After an upgrade it also judges the health that earlier versions did not.
    """
    schedule.retrain_due()
    schedule.record_training_times()
    count_failures.record_uncounted_metrics()
    health_storage.judge_copied_summaries()


@shared_task(name=warehouse_question.ASK_TASK)
def ask_warehouse(optimization_id: str) -> None:
    """Request a training if the optimization's connected warehouse has new rows."""
    warehouse_question.ask_warehouse(UUID(optimization_id))


@shared_task(name="optimizations.reap_training_runs")
def reap_training_runs() -> None:
    """Resend the runs that a dead worker or an absent broker left unfinished."""
    runs.reap_lost_runs()


@shared_task(name="optimizations.keep_partitions")
def keep_partitions() -> None:
    """Create the partitions of the coming days and drop the expired ones."""
    schedule.maintain_partitions()


@shared_task(name="optimizations.index_closed_days")
def index_closed_days() -> None:
    """Build the indexes that only the days that are over have."""
    closed_days.index_closed_days(timezone.now())


@shared_task(name="optimizations.forget_old_keys")
def forget_old_keys() -> None:
    """Delete expired idempotency keys."""
    schedule.delete_expired_keys()


@shared_task(name="optimizations.prune_versions")
def prune_versions() -> None:
    """Drop what nothing reads any more of policy versions that were replaced."""
    version_retention.prune_versions()


@shared_task(name="optimizations.purge_deleted")
def purge_deleted() -> None:
    """Delete the data of optimizations that were deleted long ago."""
    purge.purge_deleted()
