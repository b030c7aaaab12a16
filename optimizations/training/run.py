"""Execute a training run: from observations to the next policy version."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from levered_site.errors import ConflictError, LeveredError
from metrics.models import Metric
from models_app import runs, training_lease, training_slots
from models_app.bandit.regression import fit
from models_app.models import BanditModel, TrainingRun
from models_app.training_lease import (
    LeaseKeeper,
    LeaseLostError,
    RunCancelledError,
    TrainingLease,
)
from optimizations.models import Candidate, Optimization
from optimizations.results.health import health_evidence
from optimizations.training import metric_counts, publish
from optimizations.training.fit import (
    NothingToLearnError,
    PolicyTrainer,
    TrainingData,
    build_training_settings,
)
from optimizations.training.publish import CandidateResult, TrainingResult
from warehouse.backends.cancellation import Canceller, use_canceller

log = structlog.get_logger(__name__)

# The progress (0..1) of a run when a phase ends; the phase "record" ends the run.
PROGRESS_BY_PHASE = {
    "cube": 0.4,
    "fit": 0.6,
    "compile": 0.7,
    "report": 0.8,
    "candidate": 0.95,
}


@dataclass(slots=True)
class _RunProgress:
    """The lease of a run, and the seconds that each phase took."""

    lease: TrainingLease
    keeper: LeaseKeeper
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase, and report it.

        Raises RunCancelledError or LeaseLostError before and after the phase.
        """
        self.keeper.check()
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 3)
        if name in PROGRESS_BY_PHASE:
            self.keeper.check()
            training_lease.report_progress(
                self.lease, PROGRESS_BY_PHASE[name], self.seconds
            )


def run_training(run_id: UUID) -> None:
    """Execute an open run; do nothing where it has ended or another worker has it.

    A failure ends the run with its reason, and the serving policy stays. While the
    database is down the run is left as it is, and the reaper sends it again.
    """
    run = TrainingRun.objects.filter(pk=run_id)
    ids = run.values_list("model_id", "model__organization_id").first()
    if ids is None:  # the optimization was deleted in the meantime
        return
    model_id, organization_id = ids
    with training_slots.hold_slot(organization_id) as has_slot:
        if has_slot:
            _train_if_leased(run_id, model_id)
        else:  # whoever has the slot sends the next run
            log.info("training_without_slot", run_id=str(run_id))
            runs.return_run(run_id)
    if has_slot:
        runs.send_next_runs(organization_id)


def _train_if_leased(run_id: UUID, model_id: UUID) -> None:
    canceller = Canceller()
    with LeaseKeeper(model_id, canceller.cancel) as keeper:
        lease = training_lease.acquire_lease(run_id) if keeper.has_lock else None
        if lease is None:
            log.info("training_left_alone", run_id=str(run_id))
            return
        keeper.start_heartbeat(lease)
        with use_canceller(canceller):
            _attempt_run(_RunProgress(lease, keeper))


def _attempt_run(progress: _RunProgress) -> None:
    lease = progress.lease
    try:
        _train_policy(progress)
    except (RunCancelledError, LeaseLostError) as error:
        # Recording also raises LeaseLostError for a cancel after the last heartbeat.
        if not training_lease.end_if_cancelled(lease):
            log.warning("training_lost", run_id=str(lease.run_id), error=str(error))
    except (fit.NotConvergedError, FloatingPointError) as error:
        training_lease.mark_failed(lease, f"the model did not converge: {error}")
    except (OperationalError, InterfaceError) as error:
        log.warning("training_interrupted", run_id=str(lease.run_id), error=str(error))
    except LeveredError as error:
        _end_after_refusal(lease, error)
    except Exception:
        training_lease.mark_failed(
            lease, f"an internal error; see the log for run {lease.run_id}"
        )
        raise


def _end_after_refusal(lease: TrainingLease, error: LeveredError) -> None:
    """End a run whose warehouse failed, or that was cancelled and so lost its statement.

    Where the warehouse is down the run is left to the reaper, which sends it again.
    """
    if training_lease.end_if_cancelled(lease):
        return
    if error.retry_after is None:
        _mark_refused(lease, error)
    else:
        log.warning("training_interrupted", run_id=str(lease.run_id), error=str(error))


def _mark_refused(lease: TrainingLease, error: LeveredError) -> None:
    """End the run. Without anything to learn from, the model is no failed one."""
    status = BanditModel.Status
    is_empty = isinstance(error, NothingToLearnError)
    training_lease.mark_failed(
        lease,
        error.message,
        model_status=status.UNTRAINED if is_empty else status.FAILED,
    )


def _train_policy(progress: _RunProgress) -> None:
    optimization, metric = _load_training_target(progress.lease)
    as_of = timezone.now()
    with progress.phase("cube"):
        cubes = metric_counts.count_metrics(
            optimization, metric, as_of, progress.keeper.check
        )
        cube = cubes.load_cube(metric)
        enabled = optimization.servable()
        data = TrainingData(optimization, metric, cube, as_of, enabled)
        settings = build_training_settings(optimization, progress.lease.bias)
        trainer = PolicyTrainer(data, settings)
    with progress.phase("fit"):
        fitted_reward = trainer.fit()
    with progress.phase("compile"):
        compiled_policy = trainer.compile_policy(fitted_reward)
    with progress.phase("report"):
        figures = trainer.build_report(fitted_reward, compiled_policy)
        evidence = health_evidence.collect_evidence(optimization, cubes)
    candidate = _train_candidate_if_any(progress, data)
    policy = trainer.widen_policy(compiled_policy)
    with progress.phase("record"):
        result = TrainingResult(policy, figures, enabled, evidence, as_of, candidate)
        publish.publish_training_result(
            progress.lease, optimization, result, progress.seconds
        )
    training_lease.record_seconds(progress.lease, progress.seconds)


def _load_training_target(lease: TrainingLease) -> tuple[Optimization, Metric]:
    """Return the optimization and its reward metric.

    Raises ConflictError where the optimization was deleted or is no longer live.
    """
    optimization = (
        Optimization.objects.select_related("model", "reward_metric")
        .filter(model_id=lease.model_id, deleted_at=None)
        .first()
    )
    if optimization is None:
        raise ConflictError("the optimization was deleted")
    runs.require_trainable(optimization.model)
    metric = optimization.reward_metric
    assert metric is not None  # a database constraint: live ones have one
    return optimization, metric


def _train_candidate_if_any(
    progress: _RunProgress, data: TrainingData
) -> CandidateResult | None:
    """Train the candidate, if there is one; its failure does not stop the run."""
    candidate = Candidate.objects.filter(optimization=data.optimization).first()
    if candidate is None:
        return None
    with progress.phase("candidate"):
        try:
            return _train_candidate(candidate, data)
        except (RunCancelledError, LeaseLostError, OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.warning("candidate_not_learned", exc_info=True)
            return CandidateResult(
                candidate.pk, error=f"{type(error).__name__}: {error}"
            )


def _train_candidate(candidate: Candidate, data: TrainingData) -> CandidateResult:
    trainer = PolicyTrainer(data, build_training_settings(candidate))
    fitted_reward = trainer.fit()
    compiled_policy = trainer.compile_policy(fitted_reward)
    figures = trainer.build_report(fitted_reward, compiled_policy)
    document = publish.build_report_document(data.optimization, figures, data.cube)
    # A document that cannot be stored must fail here, where it does not stop the run.
    json.dumps(document, allow_nan=False)
    return CandidateResult(
        candidate.pk, trainer.widen_policy(compiled_policy), document
    )
