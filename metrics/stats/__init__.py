"""Statistics of two arms: lift, intervals, p-values, checks. No Django, no scipy."""

from metrics.stats import anytime, lift
from metrics.stats.anytime import project_users_from_first_week
from metrics.stats.balance import SampleRatio, Split, check_sample_ratio
from metrics.stats.baseline_sanity import BaselineSanity, check_baseline
from metrics.stats.checks import (
    ONE_ID_SHARE,
    ShareCheck,
    check_arm_mismatch,
    check_blank_ids,
    check_crossover,
    check_disabled_variant,
    check_imported_history,
    check_maturity,
    check_missing_context,
    check_one_id,
    check_uncounted_exposures,
    check_unknown_context,
    check_unknown_variant,
    check_unknown_version,
)
from metrics.stats.daily_balance import (
    DailySampleRatio,
    DaySplit,
    DeviatingDay,
    check_daily_sample_ratio,
)
from metrics.stats.forecast import DecisionForecast, ForecastInputs, forecast_decision
from metrics.stats.guardrails import GuardrailStatus, judge_guardrail
from metrics.stats.lift_result import Direction, Lift, RewardType
from metrics.stats.means import Interval
from metrics.stats.totals import EMPTY_TOTALS, DayTotals, Stratum, Totals

__all__ = [
    "EMPTY_TOTALS",
    "ONE_ID_SHARE",
    "BaselineSanity",
    "DailySampleRatio",
    "DaySplit",
    "DayTotals",
    "DecisionForecast",
    "DeviatingDay",
    "Direction",
    "ForecastInputs",
    "GuardrailStatus",
    "Interval",
    "Lift",
    "RewardType",
    "SampleRatio",
    "ShareCheck",
    "Split",
    "Stratum",
    "Totals",
    "anytime",
    "check_arm_mismatch",
    "check_baseline",
    "check_blank_ids",
    "check_crossover",
    "check_daily_sample_ratio",
    "check_disabled_variant",
    "check_imported_history",
    "check_maturity",
    "check_missing_context",
    "check_one_id",
    "check_sample_ratio",
    "check_uncounted_exposures",
    "check_unknown_context",
    "check_unknown_variant",
    "check_unknown_version",
    "forecast_decision",
    "judge_guardrail",
    "lift",
    "project_users_from_first_week",
]
