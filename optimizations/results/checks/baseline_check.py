"""Check of a report against the recent holdout's cells. Pure."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from metrics import stats
from metrics.stats import BaselineSanity, Interval, RewardType, Totals
from metrics.stats.normal import CRITICAL
from models_app.bandit.data import bounded_amounts
from models_app.bandit.data.amount_bound import AmountBound, AmountSums
from models_app.bandit.report.baseline import BaselineReward
from optimizations.cube import aggregates
from optimizations.cube.cell_columns import CellArrays

BASELINE = 1  # the number of the baseline variant


def check_report(
    report: Mapping[str, Any], cells: CellArrays, kind: RewardType
) -> BaselineSanity:
    """Check whether the model's baseline reproduces the recent holdout.

    Both are averaged over the contexts of the recent holdout: the report's own
    baseline_reward covers all users ever seen, and a changed mix of contexts is no error
    of the model. Contexts that had no users at training are left out of both.

    Every modeled comparison depends on this check. If `ok` is False, lift and progress
    are withheld with its `reason`; None means too few users to tell.
    """
    baseline = report["baseline_reward"]
    two_sd = (baseline["hi"] - baseline["lo"]) / CRITICAL
    by_context = _read_baselines(report)
    cells = _bound_amounts(cells, report)
    if by_context:
        had_users = np.array([mean is not None for mean in by_context.means])
        cells = cells.select(had_users[cells.context])
    of_baseline = aggregates.compute_totals(
        cells.select(cells.mature & (cells.variant == BASELINE)), kind
    )
    users = _count_needed_users(of_baseline, two_sd)
    recent = aggregates.select_recent_holdout(cells, kind, users)
    mean, interval = baseline["mean"], (baseline["lo"], baseline["hi"])
    if by_context and len(recent):
        mean, interval = _average_baseline(by_context, recent)
    return stats.check_baseline(
        mean,
        interval,
        aggregates.compute_totals(recent, kind),
        kind,
        of_baseline,
        _compute_peers(cells, recent, kind),
    )


def _compute_peers(cells: CellArrays, recent: CellArrays, kind: RewardType) -> Totals:
    """Return the totals of those whom the optimized arm showed the baseline meanwhile."""
    is_peer = cells.mature & ~cells.holdout & (cells.variant == BASELINE)
    of_days = np.isin(cells.day, recent.day)
    return aggregates.compute_totals(cells.select(is_peer & of_days), kind)


def _count_needed_users(of_baseline: Totals, error: float) -> float:
    """Return how many users give their mean a standard error of at most `error`."""
    if of_baseline.users < 2 or error <= 0:
        return math.inf
    variance = of_baseline.squared_deviations / (of_baseline.users - 1)
    return variance / error**2


def _bound_amounts(cells: CellArrays, report: Mapping[str, Any]) -> CellArrays:
    """Return the cells with single amounts bounded as the model learned them.

    A single huge amount would widen the holdout's own spread so far that nothing fails.
    """
    bound = report.get("amount_bound")  # missing in reports of earlier versions
    if not bound:
        return cells
    counts = cells.converted.astype(np.float64)
    amounts = AmountSums.from_moments(counts, cells.value_sum, cells.value_sum_squares)
    bounded = bounded_amounts.apply_bound(amounts, AmountBound(**bound))
    return replace(cells, value_sum=bounded.sums, value_sum_squares=bounded.squares)


def _read_baselines(report: Mapping[str, Any]) -> BaselineReward | None:
    baselines = report.get("baselines")  # missing in reports of earlier versions
    return BaselineReward(**baselines) if baselines else None


def _average_baseline(
    baseline: BaselineReward, recent: CellArrays
) -> tuple[float, Interval]:
    """Return mean and 95% interval of the baseline over these users' contexts."""
    users = np.bincount(recent.context, recent.users)
    mean, sd = baseline.compute_mean_and_sd(users.astype(np.float64))
    return mean, (mean - CRITICAL * sd, mean + CRITICAL * sd)
