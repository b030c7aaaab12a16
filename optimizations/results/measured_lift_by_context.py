"""The measured lift at each level of a context factor, from the same cells."""

from collections import defaultdict
from typing import cast

from metrics import stats
from metrics.models import Metric
from metrics.stats import EMPTY_TOTALS, Direction, Lift, RewardType, Totals
from models_app.bandit.design.design import Design
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import anytime_tuning

FactorLevel = tuple[str, str]
# Totals by regime, then by whether the users were held out.
ArmTotals = dict[int, dict[bool, Totals]]


def compare_arms_by_level(
    optimization: Optimization, metric: Metric, cube: ObservationCube
) -> dict[FactorLevel, Lift]:
    """Compare the arms among the users of each (factor, level) that has users.

    As for the overall lift, each mature user counts once and regimes are strata. The
    holdout depends on the user's id alone, so the arms are random within a level too.
    """
    kind = cast("RewardType", metric.reward_type)
    regimes_in_order = list(optimization.regimes.order_by("number"))
    tuning = anytime_tuning.find_tuning(optimization, cube, regimes_in_order)
    levels = _sum_arms_by_level(optimization.model.design, cube, kind)
    users = int(cube.mature_arrays.users.sum())
    return {
        level: stats.lift.measure_lift(
            [
                (arms.get(False, EMPTY_TOTALS), arms.get(True, EMPTY_TOTALS))
                for _, arms in sorted(regimes.items())
            ],
            kind,
            direction=cast("Direction", metric.direction),
            expected_users=max(
                1, round(tuning.expected_users * _count_users(regimes) / users)
            ),
            holdout_share=tuning.holdout_share,
        )
        for level, regimes in levels.items()
    }


def _sum_arms_by_level(
    design: Design, cube: ObservationCube, kind: str
) -> dict[FactorLevel, ArmTotals]:
    cells = cube.mature_arrays
    groups = aggregates.compute_totals_by_key(
        cells, kind, cells.regime, cells.holdout, cells.context
    )
    levels: defaultdict[FactorLevel, ArmTotals] = defaultdict(lambda: defaultdict(dict))
    for (regime, holdout, cell_index), totals in groups.items():
        level_indices = design.context_levels[cell_index]
        for factor_index, factor in enumerate(design.contexts):
            level_index = int(level_indices[factor_index])
            level = design.level_name(factor_index, level_index)
            arms = levels[factor.name, level][regime]
            arms[bool(holdout)] = arms.get(bool(holdout), EMPTY_TOTALS) + totals
    return levels


def _count_users(regimes: ArmTotals) -> int:
    return sum(totals.users for arms in regimes.values() for totals in arms.values())


def compute_level_shares(
    optimization: Optimization, cube: ObservationCube
) -> dict[FactorLevel, float]:
    """Return the share of all users so far, mature or not, at each (factor, level)."""
    counts = aggregates.count_by_key(cube.arrays, cube.arrays.context)
    total = sum(context.users for context in counts.values())
    design = optimization.model.design
    users: defaultdict[FactorLevel, int] = defaultdict(int)
    for (cell_index,), context in counts.items():
        for factor_index, factor in enumerate(design.contexts):
            level_index = int(design.context_levels[cell_index][factor_index])
            level = design.level_name(factor_index, level_index)
            users[factor.name, level] += context.users
    return {level: count / total for level, count in users.items() if total}
