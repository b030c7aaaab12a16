"""The measured lift: optimized against holdout, the only randomized comparison."""

from collections.abc import Iterable
from dataclasses import replace

from metrics.stats import amounts, anytime, means, minimum_data, score
from metrics.stats.lift_result import (
    TOO_LARGE,
    Direction,
    Lift,
    RewardType,
    explain_blanks,
    to_percent,
    to_percent_interval,
)
from metrics.stats.normal import ALPHA, CRITICAL, compute_two_sided_p
from metrics.stats.totals import Stratum, select_comparable

NO_HOLDOUT_CONVERSIONS = "no holdout user converted, so there is no rate to divide by"
NO_DELTA = (
    "no user of the optimized arm converted, so its rate has no delta-method error"
)
# Where the search for an interval starts if the ratio is 0.
MIN_RATIO = 1e-200


def measure_lift(
    strata: Iterable[Stratum],
    kind: RewardType,
    *,
    direction: Direction = "increase",
    expected_users: int | None = None,
    anytime_alpha: float = ALPHA,
) -> Lift:
    """Compare the arms over all regimes, with Mantel-Haenszel weights.

    `strata` are (optimized, holdout) totals of mature users for each regime. A regime
    without users in one arm contributes nothing. The comparison is of
    Σ w·mean_optimized with Σ w·mean_holdout, w = n_o·n_h/(n_o+n_h). Within a regime the
    holdout is a random share of the same traffic; so neither a changed holdout
    percentage nor a drifting base rate can look like a lift.

    `bool` rewards use the score method (metrics.stats.score); `numeric` and `outcomes`
    use the difference of means and Fieller's ratio (metrics.stats.amounts). The anytime
    figures invert the same statistic with the wider critical value of
    metrics.stats.anytime. Under a ratio r, the weighted mean_o - r·mean_h is a sum of
    independent terms with mean zero, for which the confidence sequence holds. So the
    set of r that are not rejected covers the true ratio at all looks together, without
    the delta method. `expected_users` (both arms, whole run) is where it is tightest.
    `anytime_alpha` is the error of the anytime intervals, both sides together.

    Raises ValueError for `bool` totals that are not counts of conversions.
    """
    comparable = select_comparable(strata)
    if kind == "bool":
        _reject_non_counts(comparable)
    lift = _describe_arms(comparable, kind, direction)
    reason = minimum_data.explain_missing_inference(comparable, kind)
    if reason is not None:
        return explain_blanks(lift, {}, reason)
    boundary = anytime.compute_boundary(comparable, expected_users, anytime_alpha)
    if kind == "bool":
        return _measure_rates(lift, comparable, boundary)
    return amounts.measure_amounts(lift, comparable, boundary)


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


def _measure_rates(
    lift: Lift, strata: tuple[Stratum, ...], boundary: anytime.Boundary
) -> Lift:
    rates = means.compute_weighted_means(strata)
    difference, wide = rates.difference, boundary.critical
    z = score.compute_difference_z(strata, 0.0)
    lift = replace(
        lift,
        difference_ci=score.compute_difference_interval(strata, difference, CRITICAL),
        difference_ci_anytime=score.compute_difference_interval(
            strata, difference, wide
        ),
        p_value=compute_two_sided_p(z),
        p_value_anytime=boundary.p_value(z),
    )
    if rates.holdout <= 0:
        return explain_blanks(lift, {}, NO_HOLDOUT_CONVERSIONS)
    ratio = rates.optimized / rates.holdout
    center = max(ratio, MIN_RATIO)
    variances = means.compute_separate_variances(strata)
    delta = means.compute_delta_interval(rates, variances, CRITICAL)
    return explain_blanks(
        replace(
            lift,
            lift_percent=to_percent(ratio),
            lift_ci=to_percent_interval(
                score.compute_ratio_interval(strata, center, CRITICAL)
            ),
            lift_ci_delta=to_percent_interval(delta) if ratio > 0 else None,
            lift_ci_anytime=to_percent_interval(
                score.compute_ratio_interval(strata, center, wide)
            ),
        ),
        {} if ratio > 0 else {"lift_ci_delta": NO_DELTA},
        TOO_LARGE,
    )


def _reject_non_counts(strata: tuple[Stratum, ...]) -> None:
    for stratum in strata:
        for arm in stratum:
            if not 0 <= arm.value_sum <= arm.users or arm.value_sum % 1:
                raise ValueError(
                    "value_sum of a bool reward must be the number of converted users"
                )
