"""Check of the model against the holdout: are its comparisons to be trusted?"""

from typing import cast

from metrics.models import Metric
from metrics.stats import BaselineSanity, RewardType
from models_app.models import StoredReport
from optimizations.cube.refresh import ObservationCube
from optimizations.results.checks import baseline_check


def check_calibration(
    report: StoredReport, cube: ObservationCube, metric: Metric
) -> BaselineSanity:
    """Check whether the model's baseline reproduces the recent holdout.

    Every modeled comparison depends on this check. If `ok` is False, lift and progress
    are withheld with its `reason`; None means too few users to tell.
    """
    kind = cast("RewardType", metric.reward_type)
    return baseline_check.check_report(report, cube.arrays, kind)


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
