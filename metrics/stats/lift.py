"""The measured lift: optimized against holdout, the only randomized comparison."""

import math
from collections.abc import Iterable
from dataclasses import replace

from metrics.stats import anytime, means, minimum_data
from metrics.stats.lift_result import Direction, Lift, RewardType, explain_blanks
from metrics.stats.normal import ALPHA, CRITICAL, compute_two_sided_p
from metrics.stats.rates import (
    TOO_LARGE,
    has_certain_payers,
    measure_rates,
    to_percent,
    to_percent_interval,
)
from metrics.stats.totals import Stratum, Totals, select_comparable

NO_SPREAD = "all users of both arms have the same value"
# Twice the share of the squares below which Totals takes deviations for rounding.
HIDDEN_SPREAD = 2e-12
NO_DENOMINATOR = "the holdout mean is not clearly above zero"
NO_DENOMINATOR_ANYTIME = (
    "the holdout mean is not clearly above zero at the level that allows daily looks"
)


def measure_lift(
    strata: Iterable[Stratum],
    kind: RewardType,
    *,
    direction: Direction = "increase",
    expected_users: int | None = None,
    anytime_alpha: float = ALPHA,
    holdout_share: float | None = None,
) -> Lift:
    """Compare the arms over all regimes, with Mantel-Haenszel weights.

    `strata` are (optimized, holdout) totals of mature users for each regime. A regime
    without users in one arm contributes nothing. The comparison is of
    Σ w·mean_optimized with Σ w·mean_holdout, w = n_o·n_h/(n_o+n_h). Within a regime the
    holdout is a random share of the same traffic; so neither a changed holdout
    percentage nor a drifting base rate can look like a lift.

    `bool` rewards use the score method (metrics.stats.score), and an e-value where they
    are too thin for it (metrics.stats.rates); `numeric` and `outcomes` use the difference
    of means and Fieller's ratio (metrics.stats.means). The anytime figures of the score
    and of amounts invert the same statistic with the wider critical value of
    metrics.stats.anytime. Under a ratio r, the weighted mean_o - r·mean_h is a sum of
    independent terms with mean zero, for which the confidence sequence holds. So the
    set of r that are not rejected covers the true ratio at all looks together, without
    the delta method. `expected_users` (both arms, whole run) is where it is tightest, at
    the configured `holdout_share` (0 to 1; default: that of the first regime's users).
    `anytime_alpha` is the error of the anytime intervals, both sides together.

    Raises ValueError for `bool` totals that are not counts of conversions.
    """
    comparable = select_comparable(strata)
    if kind == "bool":
        _reject_non_counts(comparable)
    lift = _describe_arms(comparable, kind, direction)
    if not comparable:
        return explain_blanks(lift, {}, minimum_data.NO_COMPARISON)
    boundary = anytime.compute_boundary(
        comparable, expected_users, anytime_alpha, holdout_share
    )
    if kind == "bool":
        return measure_rates(lift, comparable, boundary)
    reason = minimum_data.explain_missing_inference(comparable, kind)
    if reason is None:
        return _measure_amounts(lift, comparable, boundary)
    if not has_certain_payers(comparable):
        return explain_blanks(lift, {}, reason)
    return _withhold_ratio(_measure_amounts(lift, comparable, boundary), reason)


def _describe_arms(
    strata: tuple[Stratum, ...], kind: RewardType, direction: Direction
) -> Lift:
    lift = Lift(
        kind,
        direction,
        sum(optimized.users for optimized, _ in strata),
        sum(holdout.users for _, holdout in strata),
    )
    if not strata:
        return lift
    arm_means = means.compute_weighted_means(strata)
    return replace(
        lift,
        optimization_rate=arm_means.optimized,
        holdout_rate=arm_means.holdout,
        difference=arm_means.difference,
    )


def _measure_amounts(
    lift: Lift, strata: tuple[Stratum, ...], boundary: anytime.Boundary
) -> Lift:
    # in units of the largest root mean square, so that no square overflows
    unit = max(
        math.sqrt(arm.value_sum_squares / arm.users) for s in strata for arm in s
    )
    if not unit:
        return explain_blanks(lift, {}, NO_SPREAD)
    scaled = tuple(
        (_rescale_totals(o, unit), _rescale_totals(h, unit)) for o, h in strata
    )
    scaled = _restore_hidden_spread(scaled)
    variances = (
        means.compute_separate_variances(scaled),
        means.compute_pooled_variances(scaled),
    )
    if not any(variance.difference_sd for variance in variances):
        return explain_blanks(lift, {}, NO_SPREAD)
    arm_means = means.compute_weighted_means(scaled)
    z = means.compute_difference_z(arm_means, variances)
    narrow = means.compute_difference_interval(arm_means, variances, CRITICAL)
    wide = means.compute_difference_interval(arm_means, variances, boundary.critical)
    lift = replace(
        lift,
        difference_ci=(narrow[0] * unit, narrow[1] * unit),
        difference_ci_anytime=(wide[0] * unit, wide[1] * unit),
        p_value=compute_two_sided_p(z),
        p_value_anytime=boundary.p_value(z),
    )
    return _add_ratio(lift, arm_means, variances, boundary)


def _add_ratio(
    lift: Lift,
    arm_means: means.Means,
    variances: tuple[means.MeanVariances, ...],
    boundary: anytime.Boundary,
) -> Lift:
    """Return the lift with its ratio in percent; `variances` are (separate, pooled)."""
    interval = means.compute_ratio_interval(arm_means, variances, CRITICAL)
    if interval is None:
        return explain_blanks(lift, {}, NO_DENOMINATOR)
    wide = means.compute_ratio_interval(arm_means, variances, boundary.critical)
    delta = means.compute_delta_interval(arm_means, variances[0], CRITICAL)
    lift = replace(
        lift,
        lift_percent=to_percent(arm_means.optimized / arm_means.holdout),
        lift_ci=to_percent_interval(interval),
        lift_ci_delta=to_percent_interval(delta),
        lift_ci_anytime=None if wide is None else to_percent_interval(wide),
    )
    reasons = {"lift_ci_anytime": NO_DENOMINATOR_ANYTIME} if wide is None else {}
    return explain_blanks(lift, reasons, TOO_LARGE)


def _withhold_ratio(lift: Lift, reason: str) -> Lift:
    """Return the lift without intervals of its ratio, which an arm has too few payers for."""
    names = ("lift_ci", "lift_ci_anytime", "lift_ci_delta")
    reasons = {**dict.fromkeys(names, reason), **lift.unavailable}
    without = replace(lift, lift_ci=None, lift_ci_anytime=None, lift_ci_delta=None)
    return explain_blanks(without, reasons, reason)


def _reject_non_counts(strata: tuple[Stratum, ...]) -> None:
    for stratum in strata:
        for arm in stratum:
            if not 0 <= arm.value_sum <= arm.users or arm.value_sum % 1:
                raise ValueError(
                    "value_sum of a bool reward must be the number of converted users"
                )


def _restore_hidden_spread(strata: tuple[Stratum, ...]) -> tuple[Stratum, ...]:
    """Return arms that differ with the largest spread that rounding may hide, if no other.

    Values of a million that differ by one have no spread that their sums could show.
    """
    arms = [arm for stratum in strata for arm in stratum]
    if any(arm.squared_deviations for arm in arms):
        return strata
    if all(optimized.mean == holdout.mean for optimized, holdout in strata):
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
