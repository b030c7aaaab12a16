"""Learning: the one deed that turns observations into the next policy version."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np
import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from levered_site.errors import ConflictError, LeveredError
from metrics.models import Metric
from models_app import holding, runs
from models_app.bandit import cells, inference, learning, policy, report, valued
from models_app.bandit.cells import Row, TrainingCells
from models_app.bandit.policy import Rule
from models_app.holding import Held, LostError
from models_app.models import TrainingRun
from optimizations import comparison, cube, recording
from optimizations.cube import Observed
from optimizations.models import Optimization
from optimizations.recording import Learned
from optimizations.watch import StoppedError, Watch

log = structlog.get_logger(__name__)

# How far a run has come when a phase ends; recording ends the run.
PHASES = {"cube": 0.4, "fit": 0.7, "compile": 0.8, "report": 0.95}
NOTHING_SEEN = "no exposures have been seen yet: there is nothing to learn from"


@dataclass(slots=True)
class _Progress:
    """Where a run is: its hold, and the seconds each phase took."""

    held: Held
    watch: Watch
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase; the run stops between phases when it was cancelled or lost."""
        self.watch.check()
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 3)
        if name in PHASES:
            self.watch.check()
            holding.advance(self.held, PHASES[name], self.seconds)


def run(run_id: UUID) -> None:
    """Do a queued run, or nothing where another worker does it or it has ended.

    A failure ends the run with its reason; the policy that serves stays. When the
    database is away the run is left as it is, and the reaper has it done again.
    """
    asked = TrainingRun.objects.filter(pk=run_id)
    model_id = asked.values_list("model_id", flat=True).first()
    if model_id is None:  # its optimization was deleted meanwhile
        return
    with Watch(model_id) as watch:
        held = holding.claim(run_id) if watch.locked else None
        if held is None:
            log.info("training_left_alone", run_id=str(run_id))
            return
        watch.beat_for(held)
        _attempt(_Progress(held, watch))


def _attempt(progress: _Progress) -> None:
    held = progress.held
    try:
        _learn(progress)
    except (StoppedError, LostError) as error:
        # Recording says lost, too, where a cancel came after the last heartbeat.
        if not holding.give_up(held):
            log.warning("training_lost", run_id=str(held.run_id), error=str(error))
    except inference.NotConverged as error:
        holding.fail(held, f"the model did not converge: {error}")
    except (OperationalError, InterfaceError) as error:
        log.warning("training_interrupted", run_id=str(held.run_id), error=str(error))
    except LeveredError as error:
        if error.retry_after is None:
            holding.fail(held, error.message)
        else:  # the store is away: left lying like a dead worker's run
            log.warning(
                "training_interrupted", run_id=str(held.run_id), error=str(error)
            )
    except Exception:
        holding.fail(
            held, f"an internal error; the log names it with run {held.run_id}"
        )
        raise


def _learn(progress: _Progress) -> None:
    optimization = (
        Optimization.objects.select_related("model", "reward_metric")
        .filter(model_id=progress.held.model_id, deleted_at=None)
        .first()
    )
    if optimization is None:
        raise ConflictError("the optimization was deleted")
    runs.require_trainable(optimization.model)
    metric = optimization.reward_metric
    assert metric is not None  # the database refuses a live one without
    as_of = timezone.now()
    with progress.phase("cube"):
        observed = cube.refresh(optimization, metric, as_of)
        _refresh_guardrails(optimization, as_of)
        counted = _tabulated(optimization, metric, observed, as_of)
    with progress.phase("fit"):
        believed = learning.fit(optimization.model.design, counted).believed
    enabled = optimization.servable()
    mask = np.isin(np.arange(optimization.model.design.variants) + 1, enabled)
    seed = optimization.model.policy_version + 1
    minimise = metric.direction == Metric.Direction.DECREASE
    with progress.phase("compile"):
        compiled = policy.compile(
            believed,
            mask,
            rule=_rule(optimization),
            exploration_share=optimization.exploration_share,
            seed=seed,
            bias=progress.held.bias,
            minimise=minimise,
        )
    with progress.phase("report"):
        figures = report.of(
            believed,
            compiled,
            counted,
            enabled=mask,
            holdout_share=optimization.holdout_percentage / 100,
            seed=seed,
            minimise=minimise,
        )
        compared = comparison.of(optimization, metric, observed)
    with progress.phase("record"):
        learned = Learned(compiled, figures, enabled, observed, compared, as_of)
        recording.record(progress.held, optimization, learned, progress.seconds)
    holding.note(progress.held, progress.seconds)


def _refresh_guardrails(optimization: Optimization, as_of: datetime) -> None:
    """Count the guardrails too; one that the warehouse refuses stops no learning."""
    for metric in optimization.guardrail_metrics.all():
        try:
            cube.refresh(optimization, metric, as_of)
        except LeveredError as error:
            log.warning(
                "guardrail_not_counted", metric_id=str(metric.pk), error=error.message
            )


def _tabulated(
    optimization: Optimization, metric: Metric, observed: Observed, as_of: datetime
) -> TrainingCells:
    attribution = optimization.model.training_data_config["attribution"]
    rows = [
        Row(
            day=cell.day,
            policy_version=cell.policy_version,
            variant=cell.variant - 1,
            context=cell.context,
            mature=cell.mature,
            hour=cell.hour,
            users=cell.users,
            converted=cell.converted,
            outcome=cell.outcome,
            value_sum=cell.value_sum,
            value_sum_squares=cell.value_sum_squares,
            payers=cell.payers,
            log_sum=cell.log_sum,
            log_sum_squares=cell.log_sum_squares,
        )
        for cell in observed.cells
        if cell.variant
    ]
    if not rows:
        raise ConflictError(NOTHING_SEEN)
    lateness = observed.lags, attribution["horizon_hours"], as_of
    match metric.reward_type:
        case "numeric":
            return valued.tabulate_amounts(rows, *lateness)
        case "outcomes":
            outcomes = metric.outcomes or ()
            weights = {each["key"]: float(each["weight"]) for each in outcomes}
            return valued.tabulate_outcomes(rows, *lateness, weights)
        case _:
            return cells.tabulate(rows, *lateness)


def _rule(optimization: Optimization) -> Rule:
    rules: dict[str, Rule] = {
        Optimization.Allocation.DEFAULT: "default",
        Optimization.Allocation.THOMPSON: "thompson",
        Optimization.Allocation.UNIFORM: "uniform",
    }
    return rules[optimization.allocation]
