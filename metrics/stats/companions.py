"""Three figures beside the mean of amounts, so that heavy tails are not silent.

One large payment can hide any change of a mean. Each companion asks a question that it
cannot hide: what users pay if at most the cap of each is counted, how many pay at all, and
what is typical of a payment. Together they are one claim, "revenue has changed": any of the
three at a third of the error. Their intervals are shown at that level.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from metrics.stats import amounts, anytime, means, minimum_data, score
from metrics.stats.companion import (
    COMPANION_ALPHA,
    COMPANION_COUNT,
    Companion,
    build_companion,
    compare_logarithms,
    withhold_companion,
)
from metrics.stats.normal import compute_critical
from metrics.stats.rates import MIN_RATIO
from metrics.stats.totals import Stratum, Totals, select_comparable

MINIMUM_PAYERS = 20

FEW_PAYERS = "the {arm} arm has {payers}; {minimum} are needed"
SAME_CAPPED = "the sums of both arms show no difference between users' capped values"
SAME_PAYMENTS = "the sums of both arms show no difference between payments"
NOTHING_PAID = "capped revenue is not above zero in both arms, so there is no ratio"
NO_PAYERS_HELD_OUT = "no holdout user paid, so there is no rate to divide by"


@dataclass(frozen=True, slots=True)
class ArmAmounts:
    """Users of one arm in one regime, and what they paid.

    `logs` are the totals of the logarithms of what each payer paid: its users are the
    payers, those with a total above zero. `capped` are the totals of all users' values, cut
    to the cap; None without a cap.
    """

    users: int
    logs: Totals
    capped: Totals | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Whether revenue has changed in any way: the smallest p-value, times three."""

    p_value: float | None
    p_value_anytime: float | None


@dataclass(frozen=True, slots=True)
class Companions:
    """The three companions of a mean, and their common claim."""

    capped_revenue: Companion
    payer_rate: Companion
    typical_payment: Companion
    changed: Change


def measure_companions(
    strata: Iterable[tuple[ArmAmounts, ArmAmounts]],
    *,
    expected_users: int | None = None,
    holdout_share: float | None = None,
    no_cap: str = "there is no cap",
) -> Companions:
    """Compare what the arms (optimized, holdout) of each regime paid.

    `no_cap` is the reason why an arm has no capped totals. `expected_users` and
    `holdout_share` are as in
    `lift.measure_lift`: all three figures use the boundary of the users compared, which no
    payment can move.
    """
    pairs = [(o, h) for o, h in strata if o.users and h.users]
    if not pairs:
        nothing = withhold_companion(minimum_data.NO_COMPARISON)
        return Companions(nothing, nothing, nothing, Change(None, None))
    users = tuple(_count_payers(pair) for pair in pairs)
    boundary = anytime.compute_boundary(
        users, expected_users, COMPANION_ALPHA, holdout_share
    )
    companions = (
        _compare_capped_revenue(pairs, users, boundary, no_cap),
        _compare_payer_rates(users, boundary),
        _compare_typical_payments(pairs, boundary),
    )
    return Companions(
        *companions,
        Change(
            _combine([companion.p_value for companion in companions]),
            _combine([companion.p_value_anytime for companion in companions]),
        ),
    )


def _compare_capped_revenue(
    pairs: list[tuple[ArmAmounts, ArmAmounts]],
    payers: tuple[Stratum, ...],
    boundary: anytime.Boundary,
    no_cap: str,
) -> Companion:
    """Compare capped means by the logarithm of their ratio, with own variances."""
    strata: list[Stratum] = []
    for optimized, holdout in pairs:
        if optimized.capped is None or holdout.capped is None:
            return withhold_companion(no_cap)
        strata.append((optimized.capped, holdout.capped))
    reason = _explain_few_payers(payers)
    if reason:
        return withhold_companion(reason)
    totals = amounts.restore_hidden_spread(tuple(strata))
    arm_means = means.compute_weighted_means(totals)
    if min(arm_means.optimized, arm_means.holdout) <= 0:
        return withhold_companion(NOTHING_PAID)
    variances = means.compute_separate_variances(totals)
    error = math.hypot(
        math.sqrt(variances.optimized) / arm_means.optimized,
        math.sqrt(variances.holdout) / arm_means.holdout,
    )
    if not error:
        return withhold_companion(SAME_CAPPED)
    return compare_logarithms(
        math.log(arm_means.optimized / arm_means.holdout), error, boundary
    )


def _compare_payer_rates(
    payers: tuple[Stratum, ...], boundary: anytime.Boundary
) -> Companion:
    """Compare the shares of users who paid, by the score method of rates."""
    reason = minimum_data.explain_missing_inference(payers, "bool")
    if reason:
        return withhold_companion(reason)
    rates = means.compute_weighted_means(payers)
    if rates.holdout <= 0:
        return withhold_companion(NO_PAYERS_HELD_OUT)
    z = score.compute_difference_z(payers, 0.0)
    ratio = rates.optimized / rates.holdout
    narrow, wide = (
        score.compute_ratio_interval(payers, max(ratio, MIN_RATIO), critical)
        for critical in (compute_critical(COMPANION_ALPHA), boundary.critical)
    )
    return build_companion(ratio, (narrow, wide), z, boundary)


def _compare_typical_payments(
    pairs: list[tuple[ArmAmounts, ArmAmounts]], boundary: anytime.Boundary
) -> Companion:
    """Compare geometric means of payments; regimes weigh by their payers."""
    logs = select_comparable((o.logs, h.logs) for o, h in pairs)
    reason = _explain_few_payers(tuple(_count_payers(pair) for pair in pairs))
    if reason or not logs:
        return withhold_companion(reason or minimum_data.NO_COMPARISON)
    logs = amounts.restore_hidden_spread(logs)
    arm_means = means.compute_weighted_means(logs)
    sums = means.compute_pooled_sums(logs)
    error = max(
        variances.difference_sd
        for variances in (
            means.compute_separate_variances(logs),
            *means.compute_pooled_variances(sums),
        )
    )
    if not error:
        return withhold_companion(SAME_PAYMENTS)
    return compare_logarithms(arm_means.difference, error, boundary)


def _count_payers(pair: tuple[ArmAmounts, ArmAmounts]) -> Stratum:
    optimized, holdout = pair
    return (
        Totals.from_conversions(optimized.users, optimized.logs.users),
        Totals.from_conversions(holdout.users, holdout.logs.users),
    )


def _explain_few_payers(payers: tuple[Stratum, ...]) -> str | None:
    for name, arm in (("optimized", 0), ("holdout", 1)):
        count = int(sum(stratum[arm].value_sum for stratum in payers))
        if count < MINIMUM_PAYERS:
            return FEW_PAYERS.format(
                arm=name,
                payers=minimum_data.format_count(count, "payer"),
                minimum=MINIMUM_PAYERS,
            )
    return None


def _combine(p_values: list[float | None]) -> float | None:
    """Return Bonferroni's p-value of the three; None if none of them is known."""
    known = [p_value for p_value in p_values if p_value is not None]
    return min(1.0, COMPANION_COUNT * min(known)) if known else None
