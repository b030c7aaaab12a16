"""Train a model in the test's process, and a conversion rate that it can learn."""

from models_app import runs
from models_app.models import TrainingRun
from optimizations.models import Optimization
from optimizations.training.run import run_training
from tests.support import traffic


def headline_b_rate(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a conversion rate at which headline B is twice as good as A."""
    return 0.3 if variant["headline"] == "B" else 0.15


def train_model(optimization: Optimization) -> TrainingRun:
    """Request a run, execute it here, and reload all rows; the run must succeed."""
    run = runs.request_training(optimization.model, requested_by="test")
    run_training(run.pk)
    run.refresh_from_db()
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()
    assert (run.status, run.error) == (TrainingRun.Status.SUCCEEDED, "")
    return run
