"""The figures of two conversion rates: by the score, or by an e-value where they are thin.

The score's normal approximation needs enough conversions in the smaller arm, which a rate
that breaks down in the larger arm takes weeks to reach. The e-value holds at any count.
Which of the two speaks depends on the pooled counts, not on what they say.
"""

import math
from dataclasses import replace
from typing import Any, cast

from metrics.stats import means, minimum_data, score
from metrics.stats.anytime import Boundary
from metrics.stats.lift_result import (
    TOO_LARGE,
    Lift,
    explain_blanks,
    to_percent,
    to_percent_interval,
)
from metrics.stats.means import Interval, OpenInterval
from metrics.stats.minimum_data import MINIMUM_USERS
from metrics.stats.normal import ALPHA, CRITICAL, compute_two_sided_p
from metrics.stats.restricted_rates import RateCounts
from metrics.stats.thin_rates import ThinRates
from metrics.stats.totals import Stratum, Totals

NO_HOLDOUT_CONVERSIONS = "no holdout user converted, so there is no rate to divide by"
NO_DELTA = (
    "no user of the optimized arm converted, so its rate has no delta-method error"
)
CONTRADICTORY = (
    "the configurations differ more among themselves than any one lift explains"
)
ONE_LOOK = ("p_value", "difference_ci", "lift_ci", "lift_ci_delta")
ALL_LOOKS = ("p_value_anytime", "difference_ci_anytime", "lift_ci_anytime")
# Where the search for an interval starts if the ratio is 0.
MIN_RATIO = 1e-200
# An e-value that publishes the figures of one look too: as good as certain that the arms
# differ, so that few looks without an effect are published by it.
CERTAIN_LOG_EVIDENCE = math.log(1000)


def measure_rates(lift: Lift, strata: tuple[Stratum, ...], boundary: Boundary) -> Lift:
    """Return the lift with all figures of conversion rates, and a reason for each None.

    The anytime figures are there from the first user, unless the regimes of thin rates
    contradict every difference and every ratio. Those of one look need enough data for
    the score, or a certain difference. `strata` have users in both arms.
    """
    rates = means.compute_weighted_means(strata)
    ratio = rates.optimized / rates.holdout if rates.holdout > 0 else None
    lift = replace(lift, lift_percent=None if ratio is None else to_percent(ratio))
    few = minimum_data.explain_missing_inference(strata, "bool")
    if few is None:
        lift = _add_one_look(lift, strata, rates, ratio)
        return _explain(_add_score(lift, strata, boundary, ratio), ratio, {})
    thin = ThinRates.from_counts(RateCounts.from_strata(strata))
    log_evidence = thin.compute_no_effect_evidence()
    lift = _add_evidence(lift, thin, log_evidence, boundary.alpha, ratio)
    if not _has_finite_interval(lift.difference_ci_anytime, lift.lift_ci_anytime):
        return _withhold_contradiction(lift, ratio)
    if log_evidence >= CERTAIN_LOG_EVIDENCE:
        lift = _add_one_look(lift, strata, rates, ratio)
        lift = _narrow_to_evidence(lift, thin, boundary.alpha, ratio)
        return _explain(lift, ratio, dict.fromkeys(ONE_LOOK, CONTRADICTORY))
    return _explain(lift, ratio, dict.fromkeys(ONE_LOOK, few))


def has_certain_payers(strata: tuple[Stratum, ...]) -> bool:
    """Return whether the arms' shares of users with a value differ for certain.

    Then amounts are compared even if an arm has none: its mean is what differs. Where
    their number is not known, the smallest that the sums allow counts.
    """
    counted = tuple((_count_payers(o), _count_payers(h)) for o, h in strata)
    if min(sum(s[place].users for s in strata) for place in (0, 1)) < MINIMUM_USERS:
        return False
    thin = ThinRates.from_counts(RateCounts.from_strata(counted))
    return thin.compute_no_effect_evidence() >= CERTAIN_LOG_EVIDENCE


def _count_payers(arm: Totals) -> Totals:
    payers = min(math.floor(arm.converted_at_least), arm.users)
    return Totals.from_conversions(arm.users, payers)


def _add_one_look(
    lift: Lift, strata: tuple[Stratum, ...], rates: means.Means, ratio: float | None
) -> Lift:
    lift = replace(
        lift,
        p_value=compute_two_sided_p(score.compute_difference_z(strata, 0.0)),
        difference_ci=score.compute_difference_interval(
            strata, rates.difference, CRITICAL
        ),
    )
    if ratio is None:
        return lift
    interval = score.compute_ratio_interval(strata, max(ratio, MIN_RATIO), CRITICAL)
    variances = means.compute_separate_variances(strata)
    delta = means.compute_delta_interval(rates, variances, CRITICAL)
    return replace(
        lift,
        lift_ci=to_percent_interval(interval),
        lift_ci_delta=to_percent_interval(delta) if ratio > 0 else None,
    )


def _add_score(
    lift: Lift, strata: tuple[Stratum, ...], boundary: Boundary, ratio: float | None
) -> Lift:
    """Add the anytime figures by the score's z and the boundary at this look."""
    z, wide = score.compute_difference_z(strata, 0.0), boundary.critical
    difference = lift.difference or 0.0
    lift = replace(
        lift,
        difference_ci_anytime=score.compute_difference_interval(
            strata, difference, wide
        ),
        p_value_anytime=boundary.p_value(z),
    )
    if ratio is None:
        return lift
    interval = score.compute_ratio_interval(strata, max(ratio, MIN_RATIO), wide)
    return replace(lift, lift_ci_anytime=to_percent_interval(interval))


def _add_evidence(
    lift: Lift,
    thin: ThinRates,
    log_evidence: float,
    alpha: float,
    ratio: float | None,
) -> Lift:
    """Add the anytime figures by the e-value."""
    lift = replace(
        lift,
        difference_ci_anytime=thin.compute_difference_interval(
            lift.difference or 0.0, alpha
        ),
        p_value_anytime=math.exp(-max(log_evidence, 0.0)),
    )
    if ratio is None:
        return lift
    interval = thin.compute_ratio_interval(max(ratio, MIN_RATIO), alpha)
    return replace(
        lift,
        lift_ci_anytime=None if interval is None else to_percent_interval(interval),
    )


def _narrow_to_evidence(
    lift: Lift, thin: ThinRates, alpha: float, ratio: float | None
) -> Lift:
    """Narrow the figures of one look to what the e-value excludes at 95% for all looks.

    What holds at all looks holds at one, and the score is rough for thin rates.
    """
    if alpha == ALPHA:
        wide = lift
    else:
        p = lift.p_value_anytime or 0.0
        wide = _add_evidence(lift, thin, -math.log(max(p, 1e-300)), ALPHA, ratio)
    narrowed = replace(
        lift,
        difference_ci=_intersect(lift.difference_ci, wide.difference_ci_anytime),
        lift_ci=_intersect(lift.lift_ci, wide.lift_ci_anytime),
    )
    if not _has_finite_interval(narrowed.difference_ci, narrowed.lift_ci):
        return replace(narrowed, p_value=None, lift_ci_delta=None)
    p_values = [p for p in (lift.p_value, lift.p_value_anytime) if p is not None]
    return replace(narrowed, p_value=min(p_values))


def _intersect(
    first: OpenInterval | None, second: OpenInterval | None
) -> Interval | None:
    """Return what both hold, None unless there are both. Those of rates have both ends."""
    if first is None or second is None:
        return None
    closed = [cast("Interval", one) for one in (first, second)]
    return max(low for low, _ in closed), min(high for _, high in closed)


def _has_finite_interval(*intervals: OpenInterval | None) -> bool:
    """Return whether any of the intervals of rates can be published: both ends finite."""
    return any(
        all(end is not None and math.isfinite(end) for end in interval)
        for interval in intervals
        if interval is not None
    )


def _withhold_contradiction(lift: Lift, ratio: float | None) -> Lift:
    """Return the lift without p-values and intervals: the e-value rejects even the estimates.

    A small p-value says only that the regimes differ there. It would claim an effect,
    and a guardrail harm, that no interval shows.
    """
    names = (*ONE_LOOK, *ALL_LOOKS)
    blanks: dict[str, Any] = dict.fromkeys(names)
    return _explain(replace(lift, **blanks), ratio, dict.fromkeys(names, CONTRADICTORY))


def _explain(lift: Lift, ratio: float | None, reasons: dict[str, str]) -> Lift:
    """Return the lift with a reason for each None; `reasons` go before the usual ones."""
    reasons = {"difference_ci_anytime": CONTRADICTORY} | reasons
    if ratio is None:
        names = ("lift_percent", "lift_ci", "lift_ci_delta", "lift_ci_anytime")
        reasons |= dict.fromkeys(names, NO_HOLDOUT_CONVERSIONS)
    elif ratio == 0 and lift.lift_ci is not None:  # nothing else is in its way
        reasons["lift_ci_delta"] = NO_DELTA
    if lift.lift_ci_anytime is None and ratio is not None:
        reasons["lift_ci_anytime"] = CONTRADICTORY
    return explain_blanks(lift, reasons, TOO_LARGE)
