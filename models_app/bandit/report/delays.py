"""Whether rewards of some variants arrive later than those of others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats

# The p-value below which delays differ: each training asks again.
ALPHA = 0.001
# Rewards expected of the immature users of a variant for it to be compared, and mature
# users it must have.
MINIMUM_EXPECTED, MINIMUM_MATURE = 5.0, 30.0
NOTE_DELAYS_DIFFER = (
    "compared with mature users, young users of some variants have had fewer rewards than "
    "those of others: rewards arrive later there, or an effect changed lately"
)


def find_delay_difference(design: Design, cells: TrainingCells) -> str | None:
    """Return the note that delays differ by variant, or None.

    A variant's rewards are related to those that its users would have had at the rate of
    all variants in their strata, so that a base rate that moves is no difference. This
    index among young users, whose number counts by the share of rewards that arrives by
    their age, is compared with the index among mature users: a chi-squared test that
    their ratio is the same for all variants.
    """
    if cells.maturity is None or cells.seen is None:
        return None
    is_mature = cells.maturity >= 1
    mature = _sum_by_variant(design, cells, is_mature)
    young = _sum_by_variant(design, cells, ~is_mature)
    index = (mature.rewards + 0.5) / (mature.expected + 0.5)
    expected = index * young.expected
    usable = (mature.users >= MINIMUM_MATURE) & (expected >= MINIMUM_EXPECTED)
    if usable.sum() < 2:
        return None
    expected, observed = expected[usable], young.rewards[usable]
    known = mature.rewards[usable] + 0.5
    expected = expected * observed.sum() / expected.sum()
    error = np.maximum(1 - known / (mature.users[usable] + 1.0), 0.0) / known
    variance = expected + expected**2 * error
    statistic = float(((observed - expected) ** 2 / variance).sum())
    p_value = float(special.chdtrc(usable.sum() - 1, statistic))
    return NOTE_DELAYS_DIFFER if p_value < ALPHA else None


@dataclass(frozen=True, slots=True)
class _VariantSums:
    """Users, rewards, and rewards expected at the rate of all variants, each [V]."""

    users: Floats
    rewards: Floats
    expected: Floats


def _sum_by_variant(
    design: Design, cells: TrainingCells, mask: NDArray[np.bool_]
) -> _VariantSums:
    """Return the sums over the cells of a mask [n]."""
    assert cells.seen is not None
    assert cells.maturity is not None
    variant, stratum = cells.variant[mask], cells.stratum[mask]
    users = cells.seen[mask] * cells.maturity[mask]
    rewards = cells.successes[mask]
    strata = len(cells.stratum_time)
    rate = sum_by_index(stratum, rewards, strata) / np.maximum(
        sum_by_index(stratum, users, strata), 1e-12
    )
    return _VariantSums(
        sum_by_index(variant, users, design.variants),
        sum_by_index(variant, rewards, design.variants),
        sum_by_index(variant, users * rate[stratum], design.variants),
    )
