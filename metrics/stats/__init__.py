"""What two arms of users say: lift, intervals, p-values and checks. No Django, no scipy."""

from metrics.stats import anytime, daily, lift
from metrics.stats.answer import Direction, Kind, Lift
from metrics.stats.anytime import expected_from_first_week
from metrics.stats.balance import SampleRatio, Split, sample_ratio
from metrics.stats.checks import (
    BaselineSanity,
    ShareCheck,
    arm_mismatch,
    baseline_sanity,
    crossover,
    maturity,
)
from metrics.stats.daily import DayTotals
from metrics.stats.means import Interval
from metrics.stats.outlook import Expected, Outlook, days_to_decision
from metrics.stats.totals import EMPTY, Stratum, Totals
from metrics.stats.verdicts import Status, guardrail

__all__ = [
    "EMPTY",
    "BaselineSanity",
    "DayTotals",
    "Direction",
    "Expected",
    "Interval",
    "Kind",
    "Lift",
    "Outlook",
    "SampleRatio",
    "ShareCheck",
    "Split",
    "Status",
    "Stratum",
    "Totals",
    "anytime",
    "arm_mismatch",
    "baseline_sanity",
    "crossover",
    "daily",
    "days_to_decision",
    "expected_from_first_week",
    "guardrail",
    "lift",
    "maturity",
    "sample_ratio",
]
