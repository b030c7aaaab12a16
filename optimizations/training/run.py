"""Learning: the one deed that turns observations into the next policy version."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from levered_site.errors import ConflictError, LeveredError
from metrics.models import Metric
from models_app import runs, training_lease
from models_app.bandit.regression import fit
from models_app.models import TrainingRun
from models_app.training_lease import (
    LeaseKeeper,
    LeaseLostError,
    RunCancelledError,
    TrainingLease,
)
from optimizations.cube import refresh
from optimizations.models import Candidate, Optimization
from optimizations.results import measured_lift
from optimizations.training import publish
from optimizations.training.fit import (
    PolicyTrainer,
    TrainingData,
    build_training_settings,
)
from optimizations.training.publish import CandidateResult, TrainingResult

log = structlog.get_logger(__name__)

# How far a run has come when a phase ends; recording ends the run.
PROGRESS_BY_PHASE = {
    "cube": 0.4,
    "fit": 0.6,
    "compile": 0.7,
    "report": 0.8,
    "candidate": 0.95,
}


@dataclass(slots=True)
class _RunProgress:
    """Where a run is: its hold, and the seconds each phase took."""

    lease: TrainingLease
    watch: LeaseKeeper
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase; the run stops between phases when it was cancelled or lost."""
        self.watch.check()
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 3)
        if name in PROGRESS_BY_PHASE:
            self.watch.check()
            training_lease.report_progress(
                self.lease, PROGRESS_BY_PHASE[name], self.seconds
            )


def run_training(run_id: UUID) -> None:
    """Do a queued run, or nothing where another worker does it or it has ended.

    A failure ends the run with its reason; the policy that serves stays. When the
    database is away the run is left as it is, and the reaper has it done again.
    """
    asked = TrainingRun.objects.filter(pk=run_id)
    model_id = asked.values_list("model_id", flat=True).first()
    if model_id is None:  # its optimization was deleted meanwhile
        return
    with LeaseKeeper(model_id) as watch:
        held = training_lease.acquire_lease(run_id) if watch.has_lock else None
        if held is None:
            log.info("training_left_alone", run_id=str(run_id))
            return
        watch.start_heartbeat(held)
        _attempt_run(_RunProgress(held, watch))


def _attempt_run(progress: _RunProgress) -> None:
    held = progress.lease
    try:
        _train_policy(progress)
    except (RunCancelledError, LeaseLostError) as error:
        # Recording says lost, too, where a cancel came after the last heartbeat.
        if not training_lease.end_if_cancelled(held):
            log.warning("training_lost", run_id=str(held.run_id), error=str(error))
    except (fit.NotConvergedError, FloatingPointError) as error:
        training_lease.mark_failed(held, f"the model did not converge: {error}")
    except (OperationalError, InterfaceError) as error:
        log.warning("training_interrupted", run_id=str(held.run_id), error=str(error))
    except LeveredError as error:
        if error.retry_after is None:
            training_lease.mark_failed(held, error.message)
        else:  # the store is away: left lying like a dead worker's run
            log.warning(
                "training_interrupted", run_id=str(held.run_id), error=str(error)
            )
    except Exception:
        training_lease.mark_failed(
            held, f"an internal error; the log names it with run {held.run_id}"
        )
        raise


def _train_policy(progress: _RunProgress) -> None:
    optimization, metric = _load_training_target(progress.lease)
    as_of = timezone.now()
    with progress.phase("cube"):
        observed = refresh.refresh_cube(optimization, metric, as_of)
        _refresh_guardrails(optimization, as_of)
        enabled = optimization.servable()
        lesson = TrainingData(optimization, metric, observed, as_of, enabled)
        fitting = PolicyTrainer(
            lesson, build_training_settings(optimization, progress.lease.bias)
        )
    with progress.phase("fit"):
        believed = fitting.fit()
    with progress.phase("compile"):
        compiled = fitting.compile_policy(believed)
    with progress.phase("report"):
        figures = fitting.build_report(believed, compiled)
        compared = measured_lift.compare_arms(optimization, metric, observed)
    rival = _train_candidate_if_any(progress, lesson, compared)
    table = fitting.widen_policy(compiled)
    with progress.phase("record"):
        learned = TrainingResult(
            table, figures, enabled, observed, compared, as_of, rival
        )
        publish.publish_training_result(
            progress.lease, optimization, learned, progress.seconds
        )
    training_lease.record_seconds(progress.lease, progress.seconds)


def _load_training_target(held: TrainingLease) -> tuple[Optimization, Metric]:
    """Read what is to be learned. Raises ConflictError where nothing is, any more."""
    optimization = (
        Optimization.objects.select_related("model", "reward_metric")
        .filter(model_id=held.model_id, deleted_at=None)
        .first()
    )
    if optimization is None:
        raise ConflictError("the optimization was deleted")
    runs.require_trainable(optimization.model)
    metric = optimization.reward_metric
    assert metric is not None  # the database refuses a live one without
    return optimization, metric


def _train_candidate_if_any(
    progress: _RunProgress, lesson: TrainingData, compared: measured_lift.Comparison
) -> CandidateResult | None:
    """Learn the candidate's table too; one that cannot be learned stops nothing."""
    candidate = Candidate.objects.filter(optimization=lesson.optimization).first()
    if candidate is None:
        return None
    with progress.phase("candidate"):
        try:
            return _train_candidate(candidate, lesson, compared)
        except (RunCancelledError, LeaseLostError, OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.warning("candidate_not_learned", exc_info=True)
            return CandidateResult(
                candidate.pk, error=f"{type(error).__name__}: {error}"
            )


def _train_candidate(
    candidate: Candidate, lesson: TrainingData, compared: measured_lift.Comparison
) -> CandidateResult:
    fitting = PolicyTrainer(lesson, build_training_settings(candidate))
    believed = fitting.fit()
    compiled = fitting.compile_policy(believed)
    figures = fitting.build_report(believed, compiled)
    document = publish.build_report_document(
        lesson.optimization, figures, lesson.observed, compared
    )
    json.dumps(document, allow_nan=False)  # what cannot be kept fails here, not there
    return CandidateResult(candidate.pk, fitting.widen_policy(compiled), document)


def _refresh_guardrails(optimization: Optimization, as_of: datetime) -> None:
    """Count the guardrails too; one that the warehouse refuses stops no learning."""
    for metric in optimization.guardrail_metrics.all():
        try:
            refresh.count_open_days(optimization, metric, as_of)
        except LeveredError as error:
            log.warning(
                "guardrail_not_counted", metric_id=str(metric.pk), error=error.message
            )
