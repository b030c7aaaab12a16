"""Check of the model against the holdout: are its comparisons to be trusted?"""

from dataclasses import replace
from typing import cast

import numpy as np

from metrics import stats
from metrics.models import Metric
from metrics.stats import BaselineSanity, Interval, RewardType
from metrics.stats.normal import CRITICAL
from models_app.bandit.data import bounded_amounts
from models_app.bandit.data.amount_bound import AmountBound, AmountSums
from models_app.bandit.report.baseline import BaselineReward
from models_app.models import StoredReport
from optimizations.cube import aggregates
from optimizations.cube.cell_columns import CellArrays
from optimizations.cube.refresh import ObservationCube
from optimizations.results.model_support import BASELINE


def check_calibration(
    report: StoredReport, cube: ObservationCube, metric: Metric
) -> BaselineSanity:
    """Check whether the model's baseline reproduces the recent holdout.

    Both are averaged over the contexts of the recent holdout: the report's own
    baseline_reward covers all users ever seen, and a changed mix of contexts is no error
    of the model. Contexts that had no users at training are left out of both.

    Every modeled comparison depends on this check. If `ok` is False, lift and progress
    are withheld with its `reason`; None means too few users to tell.
    """
    kind = cast("RewardType", metric.reward_type)
    baseline = report["baseline_reward"]
    two_sd = (baseline["hi"] - baseline["lo"]) / CRITICAL
    by_context = _read_baselines(report)
    cells = _bound_amounts(cube.arrays, report)
    if by_context:
        had_users = np.array([mean is not None for mean in by_context.means])
        cells = cells.select(had_users[cells.context])
    recent = aggregates.select_recent_holdout(cells, kind, two_sd)
    mean, interval = baseline["mean"], (baseline["lo"], baseline["hi"])
    if by_context and len(recent):
        mean, interval = _average_baseline(by_context, recent)
    of_baseline = cells.select(cells.mature & (cells.variant == BASELINE))
    return stats.check_baseline(
        mean,
        interval,
        aggregates.compute_totals(recent, kind),
        kind,
        aggregates.compute_totals(of_baseline, kind),
    )


def _bound_amounts(cells: CellArrays, report: StoredReport) -> CellArrays:
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


def _read_baselines(report: StoredReport) -> BaselineReward | None:
    baselines = report.get("baselines")  # missing in reports of earlier versions
    return BaselineReward(**baselines) if baselines else None


def _average_baseline(
    baseline: BaselineReward, recent: CellArrays
) -> tuple[float, Interval]:
    """Return mean and 95% interval of the baseline over these users' contexts."""
    users = np.bincount(recent.context, recent.users)
    mean, sd = baseline.compute_mean_and_sd(users.astype(np.float64))
    return mean, (mean - CRITICAL * sd, mean + CRITICAL * sd)


def find_distrust_reason(
    report: StoredReport, cube: ObservationCube, metric: Metric
) -> str | None:
    """Return why modeled figures are withheld, or None if they are not."""
    return explain_distrust(report, check_calibration(report, cube, metric))


def explain_distrust(report: StoredReport, sanity: BaselineSanity) -> str | None:
    """Return the reason of a failed check of the baseline, or that delays differ.

    None if the check passed or could not be made. Reports of earlier versions say nothing
    of delays.
    """
    failure = sanity.reason if sanity.ok is False else None
    return failure or report.get("delays_differ")
