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


def summarize_even_split(
    periods: Periods, posterior: RewardPosterior, group_reward: Floats
) -> EvenSplit | None:
    """Return what draws [draws, 2P] of the groups' rewards say; None if nobody was served.

    The model describes the current level. What it says of a period counts as many times
    as the rewards counted then are of those that it expects of the same users now.
    """
    if periods.served <= 0:
        return None
    surplus, expected = np.split(group_reward, 2, axis=1)
    if _is_proportional(posterior):
        has_users = expected != 0
        level = np.divide(
            periods.earned, expected, where=has_users, out=np.ones_like(expected)
        )
        surplus = surplus * np.maximum(level, 0.0)
    return EvenSplit(
        periods.served, posterior_draws.summarize_draws(surplus.sum(axis=1))
    )


def _is_proportional(posterior: RewardPosterior) -> bool:
    """Return whether effects on rewards are about proportional to their level.

    A plain mean adds its effects. Outcomes of both signs may cancel out, so that a level
    is no scale.
    """
    weights = posterior.weights
    has_both_signs = any(weight < 0 for weight in weights) and max(weights) > 0
    return posterior.kind != "mean" and not has_both_signs
