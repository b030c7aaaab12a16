"""The measured lift on each level of a context factor, from the same cells."""

from collections import defaultdict
from typing import cast

from metrics import stats
from metrics.models import Metric
from metrics.stats import EMPTY, Direction, Kind, Lift, Totals
from models_app.bandit.design.design import Design
from optimizations.cube import aggregates
from optimizations.cube.refresh import Observed
from optimizations.models import Optimization
from optimizations.results import measured_lift
from warehouse.sql.cube.statement import Cell

Level = tuple[str, str]
Arms = dict[int, dict[bool, Totals]]
"""Totals by regime, and by whether they were held out."""


def of(
    optimization: Optimization, metric: Metric, observed: Observed
) -> dict[Level, Lift]:
    """Compare the arms among the users of each (factor, level) that anybody had.

    Per user, mature users, stratified by regime, as the lift of everybody is: users are
    held out by their id alone, so within a level the arms are random, too.
    """
    kind = cast("Kind", metric.reward_type)
    expected = measured_lift.expected_users(optimization, observed)
    arms = _arms(optimization.model.design, observed, kind)
    users = sum(cell.users for cell in observed.cells if cell.mature)
    return {
        level: stats.lift.measured(
            [
                (arm.get(False, EMPTY), arm.get(True, EMPTY))
                for _, arm in sorted(found.items())
            ],
            kind,
            direction=cast("Direction", metric.direction),
            expected_users=max(1, round(expected * _count(found) / users)),
        )
        for level, found in arms.items()
    }


def _arms(design: Design, observed: Observed, kind: str) -> dict[Level, Arms]:
    groups: defaultdict[tuple[int, bool, int], list[Cell]] = defaultdict(list)
    for cell in observed.cells:
        if cell.mature:
            groups[cell.regime, cell.holdout, cell.context].append(cell)
    found: defaultdict[Level, Arms] = defaultdict(lambda: defaultdict(dict))
    for (regime, holdout, context), cells in groups.items():
        totals = aggregates.totals(cells, kind)
        for at, factor in enumerate(design.contexts):
            level = design.level_name(at, int(design.context_levels[context, at]))
            arm = found[factor.name, level][regime]
            arm[holdout] = arm.get(holdout, EMPTY) + totals
    return found


def _count(arms: Arms) -> int:
    return sum(totals.users for arm in arms.values() for totals in arm.values())
