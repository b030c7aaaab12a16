"""What serving by the policy earned, compared with an even split of the same users.

Shapes: V variants, S context cells, P periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.report import posterior_draws
from models_app.bandit.report.posterior_draws import PosteriorEstimate
from models_app.bandit.rewards.reward_model import RewardPosterior

# More periods would follow the level closer, and take longer to add up.
MAX_PERIODS = 16
# Of log odds, at which rewards are added up: Chebyshev's points between levels of 1/12 and
# 12 times that of now, where a polynomial is closest.
MAX_SHIFT = 2.5
SHIFTS = np.round(-MAX_SHIFT * np.cos(np.pi * (np.arange(7) + 0.5) / 7), 12)
NEWTON_STEPS, LEAST_SLOPE, TINY = 6, 0.05, 1e-12


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
        extra = move_to_level(surplus, expected, periods.earned)
    elif _is_proportional(posterior):
        extra = surplus[0] * np.maximum(_divide(periods.earned, expected[0]), 0.0)
    else:
        extra = surplus[0]
    return EvenSplit(periods.served, posterior_draws.summarize_draws(extra.sum(axis=1)))


def move_to_level(surplus: Floats, expected: Floats, earned: Floats) -> Floats:
    """Return surpluses [draws, P] at the log odds at which users earn `earned` [P].

    `surplus` and `expected` [K, draws, P] are at SHIFTS. Levels beyond these are reached in
    proportion: below, chances are small, and above they were small or there is little room.
    """
    curve, slope = _fit_polynomials(expected)
    shift = np.zeros(expected.shape[1:])
    goal = np.log(np.maximum(earned, TINY))
    for _ in range(NEWTON_STEPS):
        here = np.maximum(_evaluate(curve, shift), TINY)
        step = 1 + _evaluate(slope, shift) / here
        shift += (goal - shift - np.log(here)) / np.maximum(step, LEAST_SLOPE)
        np.clip(shift, -MAX_SHIFT, MAX_SHIFT, out=shift)
    odds = np.exp(shift)
    reached = odds * _evaluate(curve, shift)
    moved = odds * _evaluate(_fit_polynomials(surplus)[0], shift)
    return moved * _divide(earned, reached)


def _fit_polynomials(sums: Floats) -> tuple[Floats, Floats]:
    """Return coefficients [·, draws, P], lowest first, of sums over odds; their slope's too.

    `sums` [K, draws, P] are of chances at SHIFTS. Over the odds, a chance falls smoothly
    from its own value to the inverse of the odds, so that the polynomial through all K is
    close everywhere between.
    """
    over_odds = sums / np.exp(SHIFTS)[:, None, None]
    curve = np.tensordot(
        np.linalg.inv(np.vander(SHIFTS, increasing=True)), over_odds, 1
    )
    return curve, np.asarray(polynomial.polyder(curve), dtype=np.float64)


def _evaluate(coefficients: Floats, at: Floats) -> Floats:
    """Return polynomials of coefficients [·, draws, P] at points [draws, P]."""
    return np.asarray(polynomial.polyval(at, coefficients, tensor=False), np.float64)


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
