"""The measured lift on each level of a context factor, from the same cells."""

from collections import defaultdict
from typing import cast

from metrics import stats
from metrics.models import Metric
from metrics.stats import EMPTY_TOTALS, Direction, Lift, RewardType, Totals
from models_app.bandit.design.design import Design
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import measured_lift
from warehouse.sql.cube.statement import Cell

FactorLevel = tuple[str, str]
ArmTotals = dict[int, dict[bool, Totals]]
"""Totals by regime, and by whether they were held out."""


def compare_arms_by_level(
    optimization: Optimization, metric: Metric, observed: ObservationCube
) -> dict[FactorLevel, Lift]:
    """Compare the arms among the users of each (factor, level) that anybody had.

    Per user, mature users, stratified by regime, as the lift of everybody is: users are
    held out by their id alone, so within a level the arms are random, too.
    """
    kind = cast("RewardType", metric.reward_type)
    expected = measured_lift.compute_expected_users(optimization, observed)
    arms = _sum_arms_by_level(optimization.model.design, observed, kind)
    users = sum(cell.users for cell in observed.cells if cell.mature)
    return {
        level: stats.lift.measure_lift(
            [
                (arm.get(False, EMPTY_TOTALS), arm.get(True, EMPTY_TOTALS))
                for _, arm in sorted(found.items())
            ],
            kind,
            direction=cast("Direction", metric.direction),
            expected_users=max(1, round(expected * _count_users(found) / users)),
        )
        for level, found in arms.items()
    }


def _sum_arms_by_level(
    design: Design, observed: ObservationCube, kind: str
) -> dict[FactorLevel, ArmTotals]:
    groups: defaultdict[tuple[int, bool, int], list[Cell]] = defaultdict(list)
    for cell in observed.cells:
        if cell.mature:
            groups[cell.regime, cell.holdout, cell.context].append(cell)
    found: defaultdict[FactorLevel, ArmTotals] = defaultdict(lambda: defaultdict(dict))
    for (regime, holdout, context), cells in groups.items():
        totals = aggregates.compute_totals(cells, kind)
        for at, factor in enumerate(design.contexts):
            level = design.level_name(at, int(design.context_levels[context, at]))
            arm = found[factor.name, level][regime]
            arm[holdout] = arm.get(holdout, EMPTY_TOTALS) + totals
    return found


def _count_users(arms: ArmTotals) -> int:
    return sum(totals.users for arm in arms.values() for totals in arm.values())
