"""Train one policy from the observation cube: cells, fit, table, report."""

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
from models_app.bandit.design.design import Floats
from models_app.bandit.design.subset import DesignSubset
from models_app.bandit.policy import allocation
from models_app.bandit.policy.allocation import AllocationRule, CompiledPolicy
from models_app.bandit.report import report
from models_app.bandit.report.even_split import ServedUsers
from models_app.bandit.report.posterior_draws import CountedUsers
from models_app.bandit.report.report import Report
from models_app.bandit.rewards import fit
from models_app.bandit.rewards.reward_model import FittedReward
from optimizations.cube import whales
from optimizations.cube.cell_columns import CellArrays
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Candidate, Optimization
from warehouse.sql.cube.statement import Cell

NO_EXPOSURES = "there are no exposures yet: there is nothing to learn from"
EXCLUDED_USERS_HINT = (
    " (some users are excluded: see `excluded_users` of the optimization, in the admin)"
)


class NothingToLearnError(ConflictError):
    """There is no exposure to learn from yet."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to train: allocation rule, exploration share (0..1), ignored contexts, bias."""

    rule: AllocationRule
    exploration_share: float
    ignored: tuple[str, ...] = ()
    bias: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What to train from, under any settings; `enabled` are variant numbers."""

    optimization: Optimization
    metric: Metric
    cube: ObservationCube
    as_of: datetime
    enabled: list[int]

    @property
    def is_lower_better(self) -> bool:
        """Whether a lower reward is better."""
        return self.metric.direction == Metric.Direction.DECREASE

    @property
    def seed(self) -> int:
        """The seed of random draws: the number of the next version."""
        return self.optimization.model.policy_version + 1


def build_training_settings(
    settings: Optimization | Candidate, bias: Mapping[str, float] | None = None
) -> TrainingSettings:
    """Return the settings of an optimization or of its candidate."""
    return TrainingSettings(
        rule=cast("AllocationRule", settings.allocation),
        exploration_share=settings.exploration_share,
        ignored=tuple(settings.ignored_context_factors),
        bias=bias or {},
    )


class PolicyTrainer:
    """The steps of training one policy from the data under the settings."""

    def __init__(self, data: TrainingData, settings: TrainingSettings) -> None:
        """Tabulate the cells. Raises NothingToLearnError where there are none."""
        self.data, self.settings = data, settings
        design = data.optimization.model.design
        self.subset = subset.drop_contexts(design, settings.ignored)
        self.cells = _tabulate_cells(data, self.subset)
        self.mask = np.isin(np.arange(design.variants) + 1, data.enabled)

    def fit(self) -> FittedReward:
        """Fit the reward model. Raises NotConvergedError."""
        return fit.fit_reward(self.subset.design, self.cells).reward

    def compile_policy(self, fitted_reward: FittedReward) -> CompiledPolicy:
        """Compile the fitted reward into a table over the contexts not ignored."""
        return allocation.compile_policy(
            fitted_reward,
            self.mask,
            rule=self.settings.rule,
            exploration_share=self.settings.exploration_share,
            seed=self.data.seed,
            bias=self.settings.bias,
            minimize=self.data.is_lower_better,
        )

    def build_report(
        self, fitted_reward: FittedReward, compiled_policy: CompiledPolicy
    ) -> Report:
        """Return the report; its baselines cover the ignored contexts too."""
        figures = report.build_report(
            fitted_reward,
            compiled_policy,
            self.cells,
            enabled=self.mask,
            holdout_share=self.data.optimization.holdout_percentage / 100,
            seed=self.data.seed,
            minimize=self.data.is_lower_better,
            users=self._count_users(),
            served=self._count_served(),
        )
        baselines = figures.baselines
        expanded = baselines and baselines.expand_contexts(self.subset.place)
        return replace(figures, baselines=expanded)

    def _count_users(self) -> CountedUsers:
        """Return all users, mature or not."""
        design, arrays = self.subset.design, self.data.cube.arrays
        counted = arrays.select(arrays.variant > 0)
        users = counted.users.astype(np.float64)
        places = np.asarray(self.subset.place)[counted.context]
        return CountedUsers(
            cells.sum_by_index(places, users, design.context_cells),
            cells.sum_by_index(counted.variant - 1, users, design.variants),
        )

    def _count_served(self) -> list[ServedUsers]:
        """Return the mature users of the optimized arm, by regime and day.

        Rewards of others may still come. Those who were shown what is no variant are left
        out, since nothing is known of what they were shown.
        """
        arrays = self.data.cube.arrays
        arrays = arrays.select(arrays.variant > 0)
        first_day = int(arrays.day.min())
        arrays = arrays.select(arrays.mature & ~arrays.holdout)
        numbers = np.arange(self.subset.design.variants) + 1
        regimes = self.data.optimization.regimes.all()
        enabled = {regime.number: regime.enabled for regime in regimes}
        groups = sorted(
            set(zip(arrays.regime.tolist(), arrays.day.tolist(), strict=True))
        )
        return [
            ServedUsers(
                day - first_day,
                self._tabulate_users(
                    arrays.select((arrays.regime == regime) & (arrays.day == day))
                ),
                np.isin(numbers, enabled[regime]),
            )
            for regime, day in groups
            if enabled.get(regime)
        ]

    def _tabulate_users(self, arrays: CellArrays) -> Floats:
        """Return users [S, V] by context cell and variant."""
        design = self.subset.design
        places = np.asarray(self.subset.place)[arrays.context]
        table = np.zeros((design.context_cells, design.variants))
        np.add.at(table, (places, arrays.variant - 1), arrays.users)
        return table

    def widen_policy(self, compiled_policy: CompiledPolicy) -> CompiledPolicy:
        """Return the policy with a row for every context cell, ignored ones too."""
        expand = self.subset.expand_contexts
        return CompiledPolicy(
            expand(compiled_policy.probabilities), expand(compiled_policy.prob_best)
        )


def _tabulate_cells(data: TrainingData, design_subset: DesignSubset) -> TrainingCells:
    rows = [
        _build_row(cell, int(design_subset.place[cell.context]))
        for cell in data.cube.cells
        if cell.variant
    ]
    if not rows:
        has_exclusions = data.optimization.excluded_users
        raise NothingToLearnError(
            NO_EXPOSURES + (EXCLUDED_USERS_HINT if has_exclusions else "")
        )
    attribution = data.optimization.model.training_data_config["attribution"]
    delays = data.cube.lags, attribution["horizon_hours"], data.as_of
    match data.metric.reward_type:
        case "numeric":
            sizes = whales.collect_sizes(data.cube.days)
            return value_cells.tabulate_amounts(rows, *delays, sizes)
        case "outcomes":
            weights = _read_outcome_weights(data)
            return value_cells.tabulate_outcomes(rows, *delays, weights)
        case _:
            return cells.tabulate_counts(rows, *delays)


def _read_outcome_weights(data: TrainingData) -> dict[str, float]:
    """Return the weights of the metric's outcomes, by key.

    They are those of all cells: users counted by another revision of the metric are not
    among these.
    """
    outcomes = data.metric.outcomes or ()
    return {outcome["key"]: float(outcome["weight"]) for outcome in outcomes}


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
        negatives=cell.negatives,
        negative_log_sum=cell.negative_log_sum,
        negative_log_sum_squares=cell.negative_log_sum_squares,
    )
