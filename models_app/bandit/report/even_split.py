"""What serving by the policy earned, compared with an even split of the same users.

Shapes: V variants, S context cells, P periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.report import posterior_draws
from models_app.bandit.report.posterior_draws import PosteriorEstimate
from models_app.bandit.rewards.reward_model import RewardPosterior

# More periods would follow the level closer, and take longer to add up.
MAX_PERIODS = 16
# Of log odds, at which rewards are added up: a level of 1/20 to 20 times that of now.
SHIFTS = np.arange(-3.0, 3.5)
SOLVING_STEPS = 15  # each leaves a share of the error, which is about a mean chance


@dataclass(frozen=True, slots=True)
class ServedUsers:
    """Users of a day whom the policy served, not the holdout, under one configuration.

    Attributes
    ----------
    day: since the first stratum's day.
    users: [S, V] by context cell and by the variant that they were shown.
    eligible: [V] whether the configuration served a variant; at least one is.

    """

    day: int
    users: Floats
    eligible: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EvenSplit:
    """What `users` were worth beyond an even split, in units of the reward.

    The sum over them of the reward of the variant that each was shown, less the mean over
    the eligible variants in the same context cell.
    """

    users: float
    extra: PosteriorEstimate


@dataclass(frozen=True, slots=True)
class Periods:
    """Users by period, and what was counted of them.

    Attributes
    ----------
    groups: [S, V, 2P] the surplus of the users served, then all users learned from.
    earned: [P] rewards of all users learned from.
    served: users served in all.

    """

    groups: Floats
    earned: Floats
    served: float


def compute_surplus(served: ServedUsers) -> Floats:
    """Return by how many users [S, V] those served differ from an even split of them.

    Each row adds up to 0.
    """
    even = served.eligible / served.eligible.sum()
    return served.users - np.outer(served.users.sum(axis=1), even)


def tabulate_periods(
    design: Design, cells: TrainingCells, served: Sequence[ServedUsers]
) -> Periods:
    """Return the users served, and those of `cells`, by at most MAX_PERIODS periods."""
    shape = design.context_cells, design.variants
    if not served:
        return Periods(np.zeros((*shape, 0)), np.zeros(0), 0.0)
    days = np.floor(cells.stratum_time).astype(np.int64)
    last = max(int(days.max(initial=0)), *(group.day for group in served))
    length = -(-(last + 1) // MAX_PERIODS)  # days, rounded up
    count = last // length + 1
    groups = np.zeros((*shape, 2 * count))
    for group in served:
        groups[:, :, group.day // length] += compute_surplus(group)
    period = days[cells.stratum] // length
    np.add.at(groups, (cells.context, cells.variant, count + period), cells.users)
    earned = sum_by_index(period, cells.rewards, count)
    return Periods(groups, earned, float(sum(group.users.sum() for group in served)))


def list_odds(posterior: RewardPosterior) -> Floats:
    """Return the odds at which groups of users are added up for `summarize_even_split`."""
    return np.exp(SHIFTS) if posterior.kind == "chance" else np.ones(1)


def summarize_even_split(
    periods: Periods, posterior: RewardPosterior, group_reward: Floats
) -> EvenSplit | None:
    """Return what the draws say of the groups of `periods`; None if nobody was served.

    `group_reward` [K, draws, 2P] is at the odds of `list_odds`. The model describes the
    current level. What it says of a period is moved to the level of the rewards counted
    then: by their odds where they are chances, else in proportion.
    """
    if periods.served <= 0:
        return None
    surplus, expected = np.split(group_reward, 2, axis=2)
    if posterior.kind == "chance":
        extra = _interpolate(surplus, find_shift(expected, periods.earned))
    elif _is_proportional(posterior):
        extra = surplus[0] * np.maximum(_divide(periods.earned, expected[0]), 0.0)
    else:
        extra = surplus[0]
    return EvenSplit(periods.served, posterior_draws.summarize_draws(extra.sum(axis=1)))


def find_shift(expected: Floats, earned: Floats) -> Floats:
    """Return by how much log odds [draws, P] must rise for users to earn `earned` [P].

    `expected` [K, draws, P] is what they earn at SHIFTS; the answer lies within these. It
    is 0 where there is nobody.
    """
    shift = np.zeros(expected.shape[1:])
    with np.errstate(divide="ignore"):  # nothing earned: as low as it goes
        for _ in range(SOLVING_STEPS):
            shift += np.log(_divide(earned, _interpolate(expected, shift)))
            np.clip(shift, SHIFTS[0], SHIFTS[-1], out=shift)
    return shift


def _interpolate(sums: Floats, shift: Floats) -> Floats:
    """Return sums of chances [draws, P] at a shift of their log odds.

    `sums` [K, draws, P] are those at SHIFTS. Over the odds, a chance falls smoothly from 1
    to its inverse, so that the polynomial through all K is close everywhere between.
    """
    total = np.zeros_like(shift)
    for index, (own, values) in enumerate(zip(SHIFTS, sums, strict=True)):
        others = np.delete(SHIFTS, index)
        basis = np.prod([(shift - other) / (own - other) for other in others], axis=0)
        total += basis * values * np.exp(-own)
    return total * np.exp(shift)


def _divide(earned: Floats, expected: Floats) -> Floats:
    """Return earned [P] over expected [draws, P], and 1 where nothing is expected."""
    return np.divide(earned, expected, where=expected != 0, out=np.ones_like(expected))


def _is_proportional(posterior: RewardPosterior) -> bool:
    """Return whether effects on rewards are about proportional to their level.

    A plain mean adds its effects. Outcomes of both signs may cancel out, so that a level
    is no scale.
    """
    weights = posterior.weights
    has_both_signs = any(weight < 0 for weight in weights) and max(weights) > 0
    return posterior.kind != "mean" and not has_both_signs
