"""The measured lift: optimized against holdout, the only randomized number."""

import math
from collections.abc import Iterable
from dataclasses import replace

from metrics.stats import anytime, means, score, support
from metrics.stats.answer import Direction, Kind, Lift, explained
from metrics.stats.means import Interval
from metrics.stats.normal import CRITICAL, two_sided
from metrics.stats.totals import Stratum, Totals, comparable

NO_SPREAD = "all users of both arms have the same value"
NO_DENOMINATOR = "the holdout mean is not clearly above zero"
NO_DENOMINATOR_ANYTIME = (
    "the holdout mean is not clearly above zero at the level that allows daily looks"
)
NO_HOLDOUT_CONVERSIONS = (
    "nobody of the holdout converted: there is nothing to divide by"
)
NO_DELTA = "nobody of the optimized arm converted: its rate has no delta-method error"
LEAST_RATIO = 1e-200
"""Where the search for an interval around a ratio of 0 begins."""
TOO_LARGE = "too large to be stated as a number"


def measured(
    strata: Iterable[Stratum],
    kind: Kind,
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
    kept = comparable(strata)
    if kind == "bool":
        _refuse_non_counts(kept)
    lift = _described(kept, kind, direction)
    reason = support.missing_inference(kept, kind)
    if reason is not None:
        return explained(lift, {}, reason)
    looks = anytime.boundary(kept, expected_users)
    if kind == "bool":
        return _of_rates(lift, kept, looks)
    return _of_amounts(lift, kept, looks)


def _described(strata: tuple[Stratum, ...], kind: Kind, direction: Direction) -> Lift:
    lift = Lift(
        kind,
        direction,
        sum(optimized.users for optimized, _ in strata),
        sum(holdout.users for _, holdout in strata),
    )
    if not strata:
        return lift
    both = means.weighted(strata)
    return replace(
        lift,
        optimization_rate=both.optimized,
        holdout_rate=both.holdout,
        difference=both.difference,
    )


def _of_rates(lift: Lift, strata: tuple[Stratum, ...], looks: anytime.Boundary) -> Lift:
    both = means.weighted(strata)
    z = score.difference_z(strata, 0.0)
    wide = looks.critical
    lift = replace(
        lift,
        difference_ci=score.difference_interval(strata, both.difference, CRITICAL),
        difference_ci_anytime=score.difference_interval(strata, both.difference, wide),
        p_value=two_sided(z),
        p_value_anytime=looks.p_value(z),
    )
    if both.holdout <= 0:
        return explained(lift, {}, NO_HOLDOUT_CONVERSIONS)
    ratio = both.optimized / both.holdout
    centre = max(ratio, LEAST_RATIO)
    delta = means.delta_interval(both, means.separate(strata), CRITICAL)
    return explained(
        replace(
            lift,
            lift_percent=_percent(ratio),
            lift_ci=_percents(score.ratio_interval(strata, centre, CRITICAL)),
            lift_ci_delta=_percents(delta) if ratio > 0 else None,
            lift_ci_anytime=_percents(score.ratio_interval(strata, centre, wide)),
        ),
        {} if ratio > 0 else {"lift_ci_delta": NO_DELTA},
        TOO_LARGE,
    )


def _of_amounts(
    lift: Lift, strata: tuple[Stratum, ...], looks: anytime.Boundary
) -> Lift:
    unit = max(
        math.sqrt(arm.value_sum_squares / arm.users) for s in strata for arm in s
    )
    scaled = tuple((_over(o, unit), _over(h, unit)) for o, h in strata) if unit else ()
    spreads = (means.separate(scaled), means.pooled(scaled)) if scaled else ()
    if not any(spread.difference_sd for spread in spreads):
        return explained(lift, {}, NO_SPREAD)
    both = means.weighted(scaled)
    z = means.difference_z(both, spreads)
    narrow = means.difference_interval(both, spreads, CRITICAL)
    wide = means.difference_interval(both, spreads, looks.critical)
    lift = replace(
        lift,
        difference_ci=(narrow[0] * unit, narrow[1] * unit),
        difference_ci_anytime=(wide[0] * unit, wide[1] * unit),
        p_value=two_sided(z),
        p_value_anytime=looks.p_value(z),
    )
    return _with_ratio(lift, both, spreads, looks)


def _with_ratio(
    lift: Lift,
    both: means.Means,
    spreads: tuple[means.Spread, ...],
    looks: anytime.Boundary,
) -> Lift:
    ratio = means.ratio_interval(both, spreads, CRITICAL)
    if ratio is None:
        return explained(lift, {}, NO_DENOMINATOR)
    wide = means.ratio_interval(both, spreads, looks.critical)
    lift = replace(
        lift,
        lift_percent=_percent(both.optimized / both.holdout),
        lift_ci=_percents(ratio),
        lift_ci_delta=_percents(means.delta_interval(both, spreads[0], CRITICAL)),
        lift_ci_anytime=None if wide is None else _percents(wide),
    )
    reasons = {"lift_ci_anytime": NO_DENOMINATOR_ANYTIME} if wide is None else {}
    return explained(lift, reasons, TOO_LARGE)


def _refuse_non_counts(strata: tuple[Stratum, ...]) -> None:
    for stratum in strata:
        for arm in stratum:
            if not 0 <= arm.value_sum <= arm.users or arm.value_sum % 1:
                raise ValueError("bool totals: value_sum counts converted users")


def _over(arm: Totals, unit: float) -> Totals:
    """The same users with values divided by ``unit``, so that squares stay small."""
    return replace(
        arm,
        value_sum=arm.value_sum / unit,
        value_sum_squares=arm.value_sum_squares / unit / unit,
    )


def _percent(ratio: float) -> float:
    return (ratio - 1) * 100


def _percents(interval: Interval) -> Interval:
    return _percent(interval[0]), _percent(interval[1])
