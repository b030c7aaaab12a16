"""The measured lift of amounts: difference of means, and Fieller's ratio."""

import math
from dataclasses import replace

from metrics.stats import anytime, means
from metrics.stats.lift_result import (
    TOO_LARGE,
    Lift,
    explain_blanks,
    to_percent,
    to_percent_interval,
)
from metrics.stats.mean_differences import DifferenceTest
from metrics.stats.normal import CRITICAL, compute_two_sided_p
from metrics.stats.totals import Stratum, Totals

NO_SPREAD = "the sums of both arms show no difference between users' values"
# Twice the share of the squares below which Totals takes deviations for rounding.
HIDDEN_SPREAD = 2e-12
NO_DENOMINATOR = (
    "the holdout mean is not clearly above zero, so a percentage of it says nothing: "
    "read the difference"
)
NO_DENOMINATOR_ANYTIME = (
    "the holdout mean is not clearly above zero at the level that allows daily looks: "
    "read the difference"
)
NEGATIVE_DENOMINATOR = (
    "the holdout mean is below zero, so a percentage of it says nothing: read the "
    "difference"
)
NO_END = "the {arm} has too few {values} to say how much {much}"
# What values other than 0 are called. Those of outcomes need not be payments.
VALUES = {"outcomes": "users with an outcome"}
PAYMENTS = "payments"
# Means that differ by less of themselves are equal but for the rounding of their sums.
EQUAL = 1e-12


def measure_amounts(
    lift: Lift, strata: tuple[Stratum, ...], boundary: anytime.Boundary
) -> Lift:
    """Return the lift with the figures of amounts, or the reasons for their absence."""
    # in units of the largest root mean square, so that no square overflows
    unit = max(
        math.sqrt(arm.value_sum_squares / arm.users) for s in strata for arm in s
    )
    if not unit:
        return explain_blanks(lift, {}, NO_SPREAD)
    scaled = tuple(
        (_rescale_totals(o, unit), _rescale_totals(h, unit)) for o, h in strata
    )
    test = build_difference_test(restore_hidden_spread(scaled))
    if not test.compute_variance(0.0):
        return explain_blanks(lift, {}, NO_SPREAD)
    z = test.compute_z(0.0)
    narrow = test.compute_interval(CRITICAL)
    wide = test.compute_interval(boundary.critical)
    lift = replace(
        lift,
        difference_ci=(narrow[0] * unit, narrow[1] * unit),
        difference_ci_anytime=(wide[0] * unit, wide[1] * unit),
        p_value=compute_two_sided_p(z),
        p_value_anytime=boundary.p_value(z),
    )
    return _add_ratio(lift, test, boundary)


def build_difference_test(strata: tuple[Stratum, ...]) -> DifferenceTest:
    """Return the test of the difference of the arms' weighted means."""
    return DifferenceTest(
        means.compute_weighted_means(strata),
        means.compute_separate_variances(strata),
        means.compute_pooled_sums(strata),
        math.fsum(arm.value_sum for stratum in strata for arm in stratum) < 0,
    )


def _add_ratio(lift: Lift, test: DifferenceTest, boundary: anytime.Boundary) -> Lift:
    """Return the lift with its ratio in percent, or why there is none.

    There is none unless the holdout mean is above zero at all looks together, the level
    of the interval that is shown first.
    """
    arm_means = test.means
    variances = (test.own, *means.compute_pooled_variances(test.pooled))
    interval = means.compute_ratio_interval(arm_means, variances, CRITICAL)
    wide = means.compute_ratio_interval(arm_means, variances, boundary.critical)
    values = VALUES.get(lift.kind, PAYMENTS)
    reasons = _explain_missing_ends(values, is_negative=test.is_negative)
    if interval is None:
        is_negative = arm_means.holdout < -CRITICAL * math.sqrt(test.own.holdout)
        ratio_reason = NEGATIVE_DENOMINATOR if is_negative else NO_DENOMINATOR
        return explain_blanks(lift, reasons, ratio_reason)
    if wide is None:
        # Just above zero at one look, a mean makes ratios of thousands of percent.
        return explain_blanks(lift, reasons, NO_DENOMINATOR_ANYTIME)
    delta = means.compute_delta_interval(arm_means, variances[0], CRITICAL)
    lift = replace(
        lift,
        lift_percent=to_percent(arm_means.optimized / arm_means.holdout),
        lift_ci=to_percent_interval(interval),
        lift_ci_delta=to_percent_interval(delta),
        lift_ci_anytime=to_percent_interval(wide),
    )
    return explain_blanks(lift, reasons, TOO_LARGE)


def _explain_missing_ends(values: str, *, is_negative: bool) -> dict[str, str]:
    """Return the reasons for ends of the difference that are withheld.

    How much more is limited by what the optimized arm has seen of the holdout's values,
    how much less the other way round; for values below zero they change places.
    """
    arms = ("optimized arm", "holdout") if is_negative else ("holdout", "optimized arm")
    low, high = (
        NO_END.format(arm=arm, values=values, much=much)
        for arm, much in zip(arms, ("less", "more"), strict=True)
    )
    both = f"{low}, and {high}"
    reasons: dict[str, str] = {}
    for name in ("difference_ci", "difference_ci_anytime"):
        reasons |= {name: both, f"{name}[0]": low, f"{name}[1]": high}
    return reasons


def restore_hidden_spread(strata: tuple[Stratum, ...]) -> tuple[Stratum, ...]:
    """Return arms that differ with the largest spread that rounding may hide, if no other.

    Values of a million that differ by one have no spread that their sums could show.
    """
    arms = [arm for stratum in strata for arm in stratum]
    if any(arm.squared_deviations for arm in arms):
        return strata
    if all(math.isclose(o.mean, h.mean, rel_tol=EQUAL) for o, h in strata):
        return strata
    return tuple((_widen_totals(o), _widen_totals(h)) for o, h in strata)


def _widen_totals(arm: Totals) -> Totals:
    squares = arm.value_sum_squares * (1 + HIDDEN_SPREAD)
    return replace(arm, value_sum_squares=squares)


def _rescale_totals(arm: Totals, unit: float) -> Totals:
    """Return the same users with values divided by `unit`."""
    return replace(
        arm,
        value_sum=arm.value_sum / unit,
        value_sum_squares=arm.value_sum_squares / unit / unit,
    )
