"""One way of learning applied to what was observed: cells, fit, table, report."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import numpy as np

from levered_site.errors import ConflictError
from metrics.models import Metric
from models_app.bandit.data import cells, value_cells
from models_app.bandit.data.cells import TrainingCells, TrainingRow
from models_app.bandit.design import subset
from models_app.bandit.design.subset import DesignSubset
from models_app.bandit.policy import allocation
from models_app.bandit.policy.allocation import AllocationRule, CompiledPolicy
from models_app.bandit.report import report
from models_app.bandit.report.report import Report
from models_app.bandit.rewards import fit
from models_app.bandit.rewards.reward_model import FittedReward
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Candidate, Optimization
from warehouse.sql.cube.statement import Cell
from warehouse.sql.shapes import FAILURE_OUTCOME

REMOVED_OUTCOMES = (
    "Days that cannot be counted again have outcomes that the metric no longer has: "
    "{outcomes}. Define them again (a weight of 0 will do), or learn from a new metric."
)
NO_EXPOSURES = "no exposures have been seen yet: there is nothing to learn from"
EXCLUDED_USERS_HINT = (
    " (some users are left out of results: excluded_users, in the admin)"
)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to learn: rule, even exploration (0..1), context factors ignored, bias."""

    rule: AllocationRule
    exploration_share: float
    ignored: tuple[str, ...] = ()
    bias: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What there is to learn from, whatever the way; `enabled` are variant numbers."""

    optimization: Optimization
    metric: Metric
    observed: ObservationCube
    as_of: datetime
    enabled: list[int]

    @property
    def is_lower_better(self) -> bool:
        """Whether less is better."""
        return self.metric.direction == Metric.Direction.DECREASE

    @property
    def seed(self) -> int:
        """Of the draws: the version that is to come."""
        return self.optimization.model.policy_version + 1


def build_training_settings(
    settings: Optimization | Candidate, bias: Mapping[str, float] | None = None
) -> TrainingSettings:
    """Read how an optimization learns, or its candidate."""
    return TrainingSettings(
        rule=cast("AllocationRule", settings.allocation),
        exploration_share=settings.exploration_share,
        ignored=tuple(settings.ignored_context_factors),
        bias=bias or {},
    )


class PolicyTrainer:
    """A lesson learned in one way, step by step."""

    def __init__(self, lesson: TrainingData, way: TrainingSettings) -> None:
        """Tabulate the cells. Raises ConflictError where there are none."""
        self.lesson, self.way = lesson, way
        design = lesson.optimization.model.design
        self.narrowed = subset.drop_contexts(design, way.ignored)
        self.cells = _tabulate_cells(lesson, self.narrowed)
        self.mask = np.isin(np.arange(design.variants) + 1, lesson.enabled)

    def fit(self) -> FittedReward:
        """Fit the model. Raises inference.NotConverged."""
        return fit.fit_reward(self.narrowed.design, self.cells).reward

    def compile_policy(self, believed: FittedReward) -> CompiledPolicy:
        """Compile what is believed, for the contexts that are not ignored."""
        return allocation.compile_policy(
            believed,
            self.mask,
            rule=self.way.rule,
            exploration_share=self.way.exploration_share,
            seed=self.lesson.seed,
            bias=self.way.bias,
            minimise=self.lesson.is_lower_better,
        )

    def build_report(self, believed: FittedReward, compiled: CompiledPolicy) -> Report:
        """Report on it; of the context cells that are ignored, too."""
        made = report.build_report(
            believed,
            compiled,
            self.cells,
            enabled=self.mask,
            holdout_share=self.lesson.optimization.holdout_percentage / 100,
            seed=self.lesson.seed,
            minimise=self.lesson.is_lower_better,
        )
        whole = made.baselines and made.baselines.expand_contexts(self.narrowed.place)
        return replace(made, baselines=whole)

    def widen_policy(self, compiled: CompiledPolicy) -> CompiledPolicy:
        """Write the table out for every context cell."""
        widened = self.narrowed.expand_contexts
        return CompiledPolicy(
            widened(compiled.probabilities), widened(compiled.prob_best)
        )


def _tabulate_cells(lesson: TrainingData, narrowed: DesignSubset) -> TrainingCells:
    rows = [
        _build_row(cell, int(narrowed.place[cell.context]))
        for cell in lesson.observed.cells
        if cell.variant
    ]
    if not rows:
        left_out = lesson.optimization.excluded_users
        raise ConflictError(NO_EXPOSURES + (EXCLUDED_USERS_HINT if left_out else ""))
    attribution = lesson.optimization.model.training_data_config["attribution"]
    lateness = lesson.observed.lags, attribution["horizon_hours"], lesson.as_of
    match lesson.metric.reward_type:
        case "numeric":
            return value_cells.tabulate_amounts(rows, *lateness)
        case "outcomes":
            return value_cells.tabulate_outcomes(
                rows, *lateness, _read_outcome_weights(lesson)
            )
        case _:
            return cells.tabulate_counts(rows, *lateness)


def _read_outcome_weights(lesson: TrainingData) -> dict[str, float]:
    """Read what each outcome is worth. Raises ConflictError where a counted one is gone.

    Days that cannot be counted again keep the outcomes they were counted with.
    """
    outcomes = lesson.metric.outcomes or ()
    weights = {each["key"]: float(each["weight"]) for each in outcomes}
    known = {*weights, FAILURE_OUTCOME}
    gone = sorted(
        {cell.outcome for cell in lesson.observed.cells if cell.outcome} - known
    )
    if gone:
        raise ConflictError(REMOVED_OUTCOMES.format(outcomes=", ".join(gone)))
    return weights


def _build_row(cell: Cell, context: int) -> TrainingRow:
    return TrainingRow(
        day=cell.day,
        policy_version=cell.policy_version,
        variant=cell.variant - 1,
        context=context,
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
