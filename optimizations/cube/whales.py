"""The few users who make up most of the amounts: found in the buckets of stored days. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from models_app.bandit.data import amount_sizes
from models_app.bandit.data.amount_sizes import AmountSizes
from optimizations.cube import amounts, cell_columns
from optimizations.cube.cell_columns import DayColumns

# The largest k of n amounts make up much where they have a larger share of the sum than
# log-normal ones of this log-sd, and at least LEAST_SHARE.
HEAVY_LOG_SD, LEAST_SHARE = 2.0, 0.2
# A figure hangs on a few users if they are at most this many, and this share of payers;
# an arm with fewer payers than that has no few among them.
MAX_GROUP, MAX_GROUP_SHARE, MIN_PAYERS = 30, 0.25, 20
EVERYBODY, HOLDOUT, OPTIMIZED = ARMS = ("all", "holdout", "optimized")
ROUNDING = 1e-9  # of means of equal amounts


@dataclass(frozen=True, slots=True)
class Whales:
    """Users of `payers` whose amounts are far beyond all others', and their share of all.

    `share` is of the sum of absolute amounts, from 0 to 1. `typical` is the amount that
    the model counts for each of them. `variants` are those that they are in.
    """

    users: int
    payers: int
    in_holdout: int
    share: float
    limit: float
    typical: float
    variants: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TopGroup:
    """The largest amounts of an arm: how many of its `payers` make up which share of it.

    More than `usual_share` is much for so few. Each of them has more than `above`, by the
    mean of its bucket of a day and arm. `arm` is one of ARMS. `variants` are those that
    they are in.
    """

    users: int
    payers: int
    share: float
    usual_share: float
    above: float
    arm: str
    in_holdout: int = 0
    variants: tuple[int, ...] = ()


def collect_sizes(days: Sequence[DayColumns]) -> AmountSizes:
    """Return the sizes of the single amounts of mature users, as far as days have them."""
    return AmountSizes.sort(
        amounts.read_buckets(days, "users"), amounts.read_buckets(days, "value_sum")
    )


def find_whales(days: Sequence[DayColumns]) -> Whales | None:
    """Return the whales among mature users, or None if there are none."""
    sizes = collect_sizes(days)
    bound = amount_sizes.find_bound(sizes)
    if bound is None:
        return None
    users, sum_above = sizes.count_above(bound.limit)
    in_holdout, _ = _collect_arm(days, in_holdout=True).count_above(bound.limit)
    return Whales(
        users=users,
        payers=int(sizes.counts.sum()),
        in_holdout=in_holdout,
        share=sum_above / sizes.total,
        limit=bound.limit,
        typical=bound.typical,
        variants=_find_variants(days, bound.limit, EVERYBODY),
    )


def _find_variants(
    days: Sequence[DayColumns], limit: float, arm: str
) -> tuple[int, ...]:
    """Return the variants in which amounts are above the limit, as far as sums tell.

    Cells have no single amounts. But the squares of a variant's amounts exceed what so
    many others have by that of one amount above the limit, or more.
    """
    is_above = np.abs(amounts.read_buckets(days, "value_sum")) > (
        limit * amounts.read_buckets(days, "users")
    )
    others = amounts.read_buckets(days, "users")[~is_above].sum()
    squares = amounts.read_buckets(days, "value_sum_squares")[~is_above].sum()
    cells = cell_columns.build_arrays(days)
    cells = cells.select(cells.mature & (cells.variant > 0))
    if arm != EVERYBODY:
        cells = cells.select(cells.holdout == (arm == HOLDOUT))
    usual = cells.converted * (squares / max(others, 1.0))
    excess = np.bincount(cells.variant, cells.value_sum_squares - usual)
    return tuple(np.flatnonzero(excess > limit * limit).tolist())


def _collect_arm(days: Sequence[DayColumns], *, in_holdout: bool) -> AmountSizes:
    """Return the sizes of the single amounts of one arm."""
    is_of_arm = (amounts.read_buckets(days, "holdout") > 0) == in_holdout
    return AmountSizes.sort(
        amounts.read_buckets(days, "users")[is_of_arm],
        amounts.read_buckets(days, "value_sum")[is_of_arm],
    )


def find_top_group(days: Sequence[DayColumns]) -> TopGroup | None:
    """Return the few with the most for so few, among all or in an arm; None without any.

    That group exceeds its usual share by the largest factor.
    """
    held_out = _collect_arm(days, in_holdout=True)
    arms = (collect_sizes(days), held_out, _collect_arm(days, in_holdout=False))
    groups = [
        group
        for arm, sizes in zip(ARMS, arms, strict=True)
        for group in _list_groups(arm, sizes)
    ]
    if not groups:
        return None
    found = max(groups, key=lambda group: group.share / group.usual_share)
    in_holdout, _ = held_out.count_above(found.above)
    return replace(
        found,
        in_holdout=0 if found.arm == OPTIMIZED else in_holdout,
        variants=_find_variants(days, found.above, found.arm),
    )


def _list_groups(arm: str, sizes: AmountSizes) -> list[TopGroup]:
    """Return the groups of few users whose amounts are above all others'."""
    payers = float(sizes.counts.sum())
    if payers < MIN_PAYERS:
        return []
    users = np.cumsum(sizes.counts)
    shares = np.cumsum(sizes.counts * sizes.sizes) / sizes.total
    above = sizes.sizes * (1 - ROUNDING)
    is_few = users <= min(MAX_GROUP, MAX_GROUP_SHARE * payers)
    is_few &= np.append(sizes.sizes[1:], 0.0) < above
    return [
        TopGroup(
            users=int(users[last]),
            payers=int(payers),
            share=float(shares[last]),
            usual_share=_get_usual_share(float(users[last]) / payers),
            above=float(above[last]),
            arm=arm,
        )
        for last in np.flatnonzero(is_few)
    ]


def _get_usual_share(top: float) -> float:
    """Return how much of the sum this share of payers, from 0 to 1, may well make up."""
    normal = NormalDist()
    return max(normal.cdf(HEAVY_LOG_SD + normal.inv_cdf(top)), LEAST_SHARE)
