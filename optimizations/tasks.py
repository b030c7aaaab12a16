"""What Celery runs: ids in, one deed each."""

from uuid import UUID

from celery import shared_task

from models_app import runs
from optimizations.training import run, schedule


@shared_task(name="optimizations.train")
def train(run_id: str) -> None:
    """Do a queued training run; delivered twice, the work is done once."""
    run.run_training(UUID(run_id))


@shared_task(name="optimizations.retrain_due")
def retrain_due() -> None:
    """Ask for the runs whose time has come."""
    schedule.retrain_due()


@shared_task(name="optimizations.reap_training_runs")
def reap_training_runs() -> None:
    """Send runs again that a dead worker or an absent broker left lying."""
    runs.reap_lost_runs()


@shared_task(name="optimizations.keep_partitions")
def keep_partitions() -> None:
    """Make the partitions of the coming days; drop the old ones."""
    schedule.maintain_partitions()


@shared_task(name="optimizations.forget_old_keys")
def forget_old_keys() -> None:
    """Forget idempotency keys past their time."""
    schedule.delete_expired_keys()
