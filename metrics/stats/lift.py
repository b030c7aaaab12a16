"""The measured lift: optimized against holdout, the only randomized comparison."""

from collections.abc import Iterable
from dataclasses import replace

from metrics.stats import amounts, anytime, means, minimum_data
from metrics.stats.lift_result import Direction, Lift, RewardType, explain_blanks
from metrics.stats.normal import ALPHA
from metrics.stats.rates import has_certain_payers, measure_rates
from metrics.stats.totals import Stratum, select_comparable


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
    of means and Fieller's ratio (metrics.stats.amounts). The anytime figures of the score
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
        return amounts.measure_amounts(lift, comparable, boundary)
    if not has_certain_payers(comparable):
        return explain_blanks(lift, {}, reason)
    compared = amounts.measure_amounts(lift, comparable, boundary)
    return _withhold_ratio(compared, reason)


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
