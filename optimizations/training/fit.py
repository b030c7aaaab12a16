"""One way of learning applied to what was observed: cells, fit, table, report."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import numpy as np

from levered_site.errors import ConflictError
from metrics.models import Metric
from models_app.bandit.data import cells, value_cells
from models_app.bandit.data.cells import Row, TrainingCells
from models_app.bandit.design import subset
from models_app.bandit.design.subset import Narrowed
from models_app.bandit.policy import allocation
from models_app.bandit.policy.allocation import Compiled, Rule
from models_app.bandit.report import report
from models_app.bandit.report.report import Report
from models_app.bandit.rewards import fit
from models_app.bandit.rewards.reward_model import Believed
from optimizations.cube.refresh import Observed
from optimizations.models import Candidate, Optimization
from warehouse.sql.cube.statement import Cell

GONE = (
    "Days that cannot be counted again have outcomes that the metric no longer has: "
    "{outcomes}. Define them again (a weight of 0 will do), or learn from a new metric."
)
NOTHING_SEEN = "no exposures have been seen yet: there is nothing to learn from"
LEFT_OUT = " (some users are left out of results: excluded_users, in the admin)"


@dataclass(frozen=True, slots=True)
class Way:
    """How to learn: rule, even exploration (0..1), context factors ignored, bias."""

    rule: Rule
    exploration_share: float
    ignored: tuple[str, ...] = ()
    bias: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What there is to learn from, whatever the way; `enabled` are variant numbers."""

    optimization: Optimization
    metric: Metric
    observed: Observed
    as_of: datetime
    enabled: list[int]

    @property
    def minimise(self) -> bool:
        """Whether less is better."""
        return self.metric.direction == Metric.Direction.DECREASE

    @property
    def seed(self) -> int:
        """Of the draws: the version that is to come."""
        return self.optimization.model.policy_version + 1


def way(
    settings: Optimization | Candidate, bias: Mapping[str, float] | None = None
) -> Way:
    """Read how an optimization learns, or its candidate."""
    return Way(
        rule=cast("Rule", settings.allocation),
        exploration_share=settings.exploration_share,
        ignored=tuple(settings.ignored_context_factors),
        bias=bias or {},
    )


class Fitting:
    """A lesson learned in one way, step by step."""

    def __init__(self, lesson: Lesson, way: Way) -> None:
        """Tabulate the cells. Raises ConflictError where there are none."""
        self.lesson, self.way = lesson, way
        design = lesson.optimization.model.design
        self.narrowed = subset.without(design, way.ignored)
        self.cells = _tabulated(lesson, self.narrowed)
        self.mask = np.isin(np.arange(design.variants) + 1, lesson.enabled)

    def fit(self) -> Believed:
        """Fit the model. Raises inference.NotConverged."""
        return fit.fit(self.narrowed.design, self.cells).believed

    def compile(self, believed: Believed) -> Compiled:
        """Compile what is believed, for the contexts that are not ignored."""
        return allocation.compile(
            believed,
            self.mask,
            rule=self.way.rule,
            exploration_share=self.way.exploration_share,
            seed=self.lesson.seed,
            bias=self.way.bias,
            minimise=self.lesson.minimise,
        )

    def report(self, believed: Believed, compiled: Compiled) -> Report:
        """Report on it; of the context cells that are ignored, too."""
        made = report.of(
            believed,
            compiled,
            self.cells,
            enabled=self.mask,
            holdout_share=self.lesson.optimization.holdout_percentage / 100,
            seed=self.lesson.seed,
            minimise=self.lesson.minimise,
        )
        whole = made.baselines and made.baselines.widened(self.narrowed.place)
        return replace(made, baselines=whole)

    def served(self, compiled: Compiled) -> Compiled:
        """Write the table out for every context cell."""
        widened = self.narrowed.widened
        return Compiled(widened(compiled.probabilities), widened(compiled.prob_best))


def _tabulated(lesson: Lesson, narrowed: Narrowed) -> TrainingCells:
    rows = [
        _row(cell, int(narrowed.place[cell.context]))
        for cell in lesson.observed.cells
        if cell.variant
    ]
    if not rows:
        left_out = lesson.optimization.excluded_users
        raise ConflictError(NOTHING_SEEN + (LEFT_OUT if left_out else ""))
    attribution = lesson.optimization.model.training_data_config["attribution"]
    lateness = lesson.observed.lags, attribution["horizon_hours"], lesson.as_of
    match lesson.metric.reward_type:
        case "numeric":
            return value_cells.tabulate_amounts(rows, *lateness)
        case "outcomes":
            return value_cells.tabulate_outcomes(rows, *lateness, _weights(lesson))
        case _:
            return cells.tabulate(rows, *lateness)


def _weights(lesson: Lesson) -> dict[str, float]:
    """Read what each outcome is worth. Raises ConflictError where a counted one is gone.

    Days that cannot be counted again keep the outcomes they were counted with.
    """
    outcomes = lesson.metric.outcomes or ()
    weights = {each["key"]: float(each["weight"]) for each in outcomes}
    known = {*weights, value_cells.FAILURE}
    gone = sorted(
        {cell.outcome for cell in lesson.observed.cells if cell.outcome} - known
    )
    if gone:
        raise ConflictError(GONE.format(outcomes=", ".join(gone)))
    return weights


def _row(cell: Cell, context: int) -> Row:
    return Row(
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
