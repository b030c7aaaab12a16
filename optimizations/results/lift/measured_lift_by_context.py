"""The measured lift at each level of a context factor, from the same cells."""

from collections import defaultdict
from typing import cast

from metrics import stats
from metrics.models import Metric
from metrics.stats import EMPTY_TOTALS, Direction, Lift, RewardType, Totals
from models_app.bandit.design.design import Design
from optimizations.cube import aggregates
from optimizations.cube.cell_columns import CellArrays
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.lift import anytime_tuning

FactorLevel = tuple[str, str]
# Totals by regime, then by whether the users were held out.
ArmTotals = dict[int, dict[bool, Totals]]


def compare_arms_by_level(
    optimization: Optimization, metric: Metric, cube: ObservationCube
) -> dict[FactorLevel, Lift]:
    """Compare the arms among the users of each (factor, level) that has users.

    As for the overall lift, each mature user counts once and regimes are strata. The
    holdout depends on the user's id alone, so the arms are random within a level too.
    The anytime figures are tightest at the level's part of the users that are expected of
    all, by its share of the first full week. It must not follow later users: where a level
    grows from few users to many, that would break the promise of these figures.
    """
    kind = cast("RewardType", metric.reward_type)
    regimes_in_order = list(optimization.regimes.all())
    tuning = anytime_tuning.find_tuning(optimization, cube, regimes_in_order)
    design = optimization.model.design
    levels = _sum_arms_by_level(design, cube, kind)
    expected_shares = find_expected_shares(optimization, design, cube)
    return {
        level: stats.lift.measure_lift(
            [
                (arms.get(False, EMPTY_TOTALS), arms.get(True, EMPTY_TOTALS))
                for _, arms in sorted(regimes.items())
            ],
            kind,
            direction=cast("Direction", metric.direction),
            expected_users=max(
                1, round(tuning.expected_users * expected_shares[level])
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


def find_expected_shares(
    optimization: Optimization, design: Design, cube: ObservationCube
) -> dict[FactorLevel, float]:
    """Return the share of the first full week's users at every (factor, level).

    Until that week is over, and for a level that it did not have, all levels of the factor
    have one share.
    """
    cells = anytime_tuning.select_first_week(optimization, cube)
    shares = {} if cells is None else _compute_shares(design, cells)
    return {
        (factor.name, level): shares.get((factor.name, level)) or 1 / size
        for index, (factor, size) in enumerate(
            zip(design.contexts, design.context_sizes, strict=True)
        )
        for level in (design.level_name(index, place) for place in range(size))
    }


def compute_level_shares(
    optimization: Optimization, cube: ObservationCube
) -> dict[FactorLevel, float]:
    """Return the share of all users so far, mature or not, at each (factor, level)."""
    return _compute_shares(optimization.model.design, cube.arrays)


def _compute_shares(design: Design, cells: CellArrays) -> dict[FactorLevel, float]:
    counts = aggregates.count_by_key(cells, cells.context)
    total = sum(context.users for context in counts.values())
    users: defaultdict[FactorLevel, int] = defaultdict(int)
    for (cell_index,), context in counts.items():
        for factor_index, factor in enumerate(design.contexts):
            level_index = int(design.context_levels[cell_index][factor_index])
            level = design.level_name(factor_index, level_index)
            users[factor.name, level] += context.users
    return {level: count / total for level, count in users.items() if total}
