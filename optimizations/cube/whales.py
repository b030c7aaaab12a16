"""The few users who make up most of the amounts: found in the buckets of stored days. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from models_app.bandit.data import amount_sizes
from models_app.bandit.data.amount_sizes import AmountSizes
from optimizations.cube import amounts
from optimizations.cube.cell_columns import DayColumns


@dataclass(frozen=True, slots=True)
class Whales:
    """Users of `payers` whose amounts are far beyond all others', and their share of all.

    `share` is of the sum of absolute amounts, from 0 to 1. `typical` is the amount that
    the model counts for each of them.
    """

    users: int
    payers: int
    in_holdout: int
    share: float
    limit: float
    typical: float


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
    held_out = amounts.read_buckets(days, "holdout") > 0
    counts, sums = (
        amounts.read_buckets(days, "users")[held_out],
        amounts.read_buckets(days, "value_sum")[held_out],
    )
    in_holdout, _ = AmountSizes.sort(counts, sums).count_above(bound.limit)
    return Whales(
        users=users,
        payers=int(sizes.counts.sum()),
        in_holdout=in_holdout,
        share=sum_above / sizes.total,
        limit=bound.limit,
        typical=bound.typical,
    )
