"""What was counted of each variant, in all and by day, and what the model says of it."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from optimizations.cube import cell_groups
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Variant
from optimizations.results.model.model_support import NO_MATURE_USER
from optimizations.results.readings.modeled import VariantEstimate
from optimizations.results.reasons import Reasons
from optimizations.results.user_counts import NO_USERS, UserCounter, UserCounts

NO_USER = "no user has seen it yet"
RATES = ("rate", "user_rate", "mean_reward")


@dataclass(frozen=True, slots=True)
class VariantResult:
    """What was counted of a variant, and what the model says of it."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool
    exposures: Annotated[int, "Of all users so far."]
    conversions: Annotated[
        int, "Users so far whose reward is worth more than 0, whatever their age."
    ]
    rate: Annotated[float | None, "Conversions per exposure of mature users."]
    users: Annotated[int, "All users so far, whatever their age."]
    rewarded_users: Annotated[
        int, "Users so far with any counted reward, a negative one included."
    ]
    mature_users: Annotated[int, "Users whose horizon has passed."]
    mature_conversions: Annotated[int, "Conversions of mature users."]
    user_rate: Annotated[float | None, "mature_conversions per mature user."]
    mean_reward: Annotated[float | None, "Measured mean reward per mature user."]
    weight: Annotated[float | None, "Share of all traffic that it is served now."]
    prob_best: float | None
    expected_reward_mean: float | None
    expected_reward_lo: float | None
    expected_reward_hi: float | None


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """Counts of one day of first touch, by variant_key, as of a variant in all.

    `mature_users` and `mature_conversions` are of users whose horizon has passed: what
    the others do may still come.
    """

    date: date
    variants: dict[str, dict[str, Any]]


def list_variants(optimization: Optimization) -> list[Variant]:
    """Return the variants by number, without their screenshots."""
    return list(optimization.variants.order_by("number").without_pictures())


def rank_by_chance(row: VariantResult, *, is_less_better: bool) -> tuple[float, float]:
    """Return the key of a variant that sorts the most probable best first.

    Of equal chances, many of which are 0, the better believed mean comes first.
    """
    mean = row.expected_reward_mean
    if mean is None:
        return -(row.prob_best or 0.0), math.inf
    return -(row.prob_best or 0.0), mean if is_less_better else -mean


def build_variant_results(
    optimization: Optimization,
    variants: Sequence[Variant],
    cube: ObservationCube,
    weights: Mapping[int, float],
    estimates: Mapping[int, VariantEstimate],
) -> list[VariantResult]:
    counter = UserCounter(optimization.reward_metric, cube)
    counts = counter.count(cube.arrays.variant)
    return [
        _build_variant_result(
            variant,
            counts.get((variant.number,), NO_USERS),
            weights.get(variant.number),
            estimates.get(variant.number, VariantEstimate()),
        )
        for variant in variants
    ]


def _build_variant_result(
    variant: Variant,
    counts: UserCounts,
    weight: float | None,
    estimate: VariantEstimate,
) -> VariantResult:
    conversions = counts.mature_conversions
    return VariantResult(
        number=variant.number,
        variant_key=variant.variant_key,
        variant=variant.order_levels(),
        enabled=variant.enabled and not variant.excluded,
        exposures=counts.exposures,
        conversions=counts.conversions,
        rate=_divide(conversions, counts.mature_exposures),
        users=counts.users,
        rewarded_users=counts.rewarded_users,
        mature_users=counts.mature_users,
        mature_conversions=conversions,
        user_rate=_divide(conversions, counts.mature_users),
        mean_reward=counts.mean_reward,
        weight=weight,
        prob_best=estimate.prob_best,
        expected_reward_mean=estimate.expected_reward_mean,
        expected_reward_lo=estimate.expected_reward_lo,
        expected_reward_hi=estimate.expected_reward_hi,
    )


def _divide(conversions: int, mature: int) -> float | None:
    """Return the rate of the mature; None without any."""
    return conversions / mature if mature else None


def explain_missing_rates(variants: Sequence[VariantResult]) -> Reasons:
    """Return why rates of variants are null.

    `variants.rate` is of all rows that are null; where the reasons differ, it names both.
    """
    nulls = [row for row in variants if row.mean_reward is None]
    reasons = {NO_USER if not row.users else NO_MATURE_USER for row in nulls}
    if not reasons:
        return {}
    reason = "; or ".join(sorted(reasons))
    return {f"variants.{name}": reason for name in RATES}


def build_time_series(
    optimization: Optimization, variants: Sequence[Variant], cube: ObservationCube
) -> list[DailyCounts]:
    """Return counts by day of first touch and variant_key."""
    keys = {variant.number: variant.variant_key for variant in variants}
    cells = cube.arrays
    counter = UserCounter(optimization.reward_metric, cube)
    groups = cell_groups.group_cells((cells.day, cells.variant), in_key_order=True)
    counts = counter.count_groups(groups)
    rows = zip(
        counts.keys,
        counts.exposures,
        counts.conversions,
        counts.users,
        counts.rewarded_users,
        counts.mature_users,
        counts.mature_conversions,
        strict=True,
    )
    days: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for (day, number), exposures, conversions, users, rewarded, mature, final in rows:
        if number in keys:
            days[day][keys[number]] = {
                "exposures": exposures,
                "conversions": conversions,
                "users": users,
                "rewarded_users": rewarded,
                "mature_users": mature,
                "mature_conversions": final,
            }
    return [
        DailyCounts(date.fromordinal(day), variants) for day, variants in days.items()
    ]
