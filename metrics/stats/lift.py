"""The measured lift: optimized against holdout, the only randomized number."""

import math
from collections.abc import Iterable
from dataclasses import replace

from metrics.stats import anytime, means, minimum_data, score
from metrics.stats.lift_result import Direction, Lift, RewardType, explain_blanks
from metrics.stats.means import Interval
from metrics.stats.normal import CRITICAL, compute_two_sided_p
from metrics.stats.totals import Stratum, Totals, select_comparable

NO_SPREAD = "all users of both arms have the same value"
NO_DENOMINATOR = "the holdout mean is not clearly above zero"
NO_DENOMINATOR_ANYTIME = (
    "the holdout mean is not clearly above zero at the level that allows daily looks"
)
NO_HOLDOUT_CONVERSIONS = (
    "nobody of the holdout converted: there is nothing to divide by"
)
NO_DELTA = "nobody of the optimized arm converted: its rate has no delta-method error"
MIN_RATIO = 1e-200
"""Where the search for an interval around a ratio of 0 begins."""
TOO_LARGE = "too large to be stated as a number"


def measure_lift(
    strata: Iterable[Stratum],
    kind: RewardType,
    *,
    direction: Direction = "increase",
    expected_users: int | None = None,
) -> Lift:
    """Compare the arms of all regimes with Mantel-Haenszel weights.

    ``strata``: per regime (optimized, holdout) totals of mature users. A
    regime without users in one arm contributes nothing. What is estimated is
    Σ w·mean_optimized against Σ w·mean_holdout, w = n_o·n_h/(n_o+n_h): within
    a regime the holdout is a random share of the same traffic, so neither a
    changed holdout percentage nor a drifting base rate can pass for a lift.

    ``bool``: score method (metrics.stats.score). ``numeric``, ``outcomes``:
    difference of means and Fieller's ratio (metrics.stats.means). The anytime
    figures invert the same statistic with the wider critical value of
    metrics.stats.anytime: at every candidate ratio r the weighted
    mean_o - r·mean_h is a sum of independent terms with mean zero under r,
    for which the confidence sequence holds, so the set of r not rejected
    covers the true ratio at all looks together; no delta method in between.
    ``expected_users`` (both arms, whole run) tunes where it is tightest.

    Raises ValueError for ``bool`` totals that are not counts of conversions.
    """
    kept = select_comparable(strata)
    if kind == "bool":
        _reject_non_counts(kept)
    lift = _describe_arms(kept, kind, direction)
    reason = minimum_data.explain_missing_inference(kept, kind)
    if reason is not None:
        return explain_blanks(lift, {}, reason)
    looks = anytime.compute_boundary(kept, expected_users)
    if kind == "bool":
        return _measure_rates(lift, kept, looks)
    return _measure_amounts(lift, kept, looks)


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
    both = means.compute_weighted_means(strata)
    return replace(
        lift,
        optimization_rate=both.optimized,
        holdout_rate=both.holdout,
        difference=both.difference,
    )


def _measure_rates(
    lift: Lift, strata: tuple[Stratum, ...], looks: anytime.Boundary
) -> Lift:
    both = means.compute_weighted_means(strata)
    z = score.difference_z(strata, 0.0)
    wide = looks.critical
    lift = replace(
        lift,
        difference_ci=score.difference_interval(strata, both.difference, CRITICAL),
        difference_ci_anytime=score.difference_interval(strata, both.difference, wide),
        p_value=compute_two_sided_p(z),
        p_value_anytime=looks.p_value(z),
    )
    if both.holdout <= 0:
        return explain_blanks(lift, {}, NO_HOLDOUT_CONVERSIONS)
    ratio = both.optimized / both.holdout
    centre = max(ratio, MIN_RATIO)
    delta = means.delta_interval(both, means.compute_separate_spread(strata), CRITICAL)
    return explain_blanks(
        replace(
            lift,
            lift_percent=_to_percent(ratio),
            lift_ci=_to_percent_interval(
                score.ratio_interval(strata, centre, CRITICAL)
            ),
            lift_ci_delta=_to_percent_interval(delta) if ratio > 0 else None,
            lift_ci_anytime=_to_percent_interval(
                score.ratio_interval(strata, centre, wide)
            ),
        ),
        {} if ratio > 0 else {"lift_ci_delta": NO_DELTA},
        TOO_LARGE,
    )


def _measure_amounts(
    lift: Lift, strata: tuple[Stratum, ...], looks: anytime.Boundary
) -> Lift:
    unit = max(
        math.sqrt(arm.value_sum_squares / arm.users) for s in strata for arm in s
    )
    scaled = (
        tuple((_rescale_totals(o, unit), _rescale_totals(h, unit)) for o, h in strata)
        if unit
        else ()
    )
    spreads = (
        (means.compute_separate_spread(scaled), means.compute_pooled_spread(scaled))
        if scaled
        else ()
    )
    if not any(spread.difference_sd for spread in spreads):
        return explain_blanks(lift, {}, NO_SPREAD)
    both = means.compute_weighted_means(scaled)
    z = means.difference_z(both, spreads)
    narrow = means.difference_interval(both, spreads, CRITICAL)
    wide = means.difference_interval(both, spreads, looks.critical)
    lift = replace(
        lift,
        difference_ci=(narrow[0] * unit, narrow[1] * unit),
        difference_ci_anytime=(wide[0] * unit, wide[1] * unit),
        p_value=compute_two_sided_p(z),
        p_value_anytime=looks.p_value(z),
    )
    return _add_ratio(lift, both, spreads, looks)


def _add_ratio(
    lift: Lift,
    both: means.Means,
    spreads: tuple[means.Spread, ...],
    looks: anytime.Boundary,
) -> Lift:
    ratio = means.ratio_interval(both, spreads, CRITICAL)
    if ratio is None:
        return explain_blanks(lift, {}, NO_DENOMINATOR)
    wide = means.ratio_interval(both, spreads, looks.critical)
    lift = replace(
        lift,
        lift_percent=_to_percent(both.optimized / both.holdout),
        lift_ci=_to_percent_interval(ratio),
        lift_ci_delta=_to_percent_interval(
            means.delta_interval(both, spreads[0], CRITICAL)
        ),
        lift_ci_anytime=None if wide is None else _to_percent_interval(wide),
    )
    reasons = {"lift_ci_anytime": NO_DENOMINATOR_ANYTIME} if wide is None else {}
    return explain_blanks(lift, reasons, TOO_LARGE)


def _reject_non_counts(strata: tuple[Stratum, ...]) -> None:
    for stratum in strata:
        for arm in stratum:
            if not 0 <= arm.value_sum <= arm.users or arm.value_sum % 1:
                raise ValueError("bool totals: value_sum counts converted users")


def _rescale_totals(arm: Totals, unit: float) -> Totals:
    """The same users with values divided by ``unit``, so that squares stay small."""
    return replace(
        arm,
        value_sum=arm.value_sum / unit,
        value_sum_squares=arm.value_sum_squares / unit / unit,
    )


def _to_percent(ratio: float) -> float:
    return (ratio - 1) * 100


def _to_percent_interval(interval: Interval) -> Interval:
    return _to_percent(interval[0]), _to_percent(interval[1])
