"""The allocation table, compiled from a posterior, and the draw from it."""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Design, Floats
from models_app.bandit.policy.prob_best import compute_prob_best
from models_app.bandit.regression import blas_threads
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import FittedReward

AllocationRule = Literal["default", "thompson", "uniform"]

DEFAULT_POWER = 2
"""Power of `prob_best` that rule 'default' allocates by.

Two independent draws of the posterior that agree: what only one of them calls best is
not tried. See docs/model.md for the figures.
"""


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """An allocation table.

    Parameters
    ----------
    probabilities: [S, V] of serving each variant in each context cell; rows sum to 1.
    prob_best: [S, V] share of posterior draws in which the variant is the best there.

    """

    probabilities: Floats
    prob_best: Floats


def compile_policy(  # noqa: PLR0913 - read as policy.compile; the rest by name
    posterior: FittedReward,
    enabled: NDArray[np.bool_],
    *,
    rule: AllocationRule = "default",
    exploration_share: float = 0.01,
    draws: int = 4000,
    seed: int = 0,
    bias: Mapping[str, float] | None = None,
    minimise: bool = False,
) -> CompiledPolicy:
    """Compile a posterior into the probability of each variant in each context cell.

    `prob_best` is the share of joint posterior draws in which an enabled variant has
    the highest expected reward. Rule 'thompson' allocates by it; 'default' by its square,
    made to sum to 1; 'uniform' evenly.
    `exploration_share` of all traffic is then spread evenly over enabled variants;
    disabled ones get exactly 0. `bias` widens the deviations of a factor's
    coefficients by 1 + bias before drawing. With `minimise` the least reward is best.

    Raises ValueError, naming the field, for arguments outside their ranges.
    """
    sign = 1.0
    if minimise:
        posterior, sign = reward_model.negate_reward(posterior)
    _validate_arguments(posterior.design, enabled, rule, exploration_share, draws)
    served = np.flatnonzero(enabled)
    with blas_threads.use_single_thread():
        prob_best = compute_prob_best(
            posterior, draws, seed, served, bias=bias, sign=sign
        )
    if rule == "uniform":
        allocated = build_uniform_table(posterior.design.segments, enabled)
    else:
        power = prob_best**DEFAULT_POWER if rule == "default" else prob_best
        shares = power / power.sum(axis=1, keepdims=True)
        allocated = mix_exploration(shares, enabled, exploration_share)
    return CompiledPolicy(allocated, prob_best)


def build_uniform_table(segments: int, enabled: NDArray[np.bool_]) -> Floats:
    """Return the table [S, V] of version 0: every enabled variant alike."""
    if not enabled.any():
        raise ValueError("enabled: at least one variant must be")
    return np.tile(enabled / enabled.sum(), (segments, 1))


def mix_exploration(
    shares: Floats, enabled: NDArray[np.bool_], exploration_share: float
) -> Floats:
    """Mix shares [S, V] with even exploration over the enabled variants."""
    even = build_uniform_table(len(shares), enabled)
    return (1 - exploration_share) * shares + exploration_share * even


def hash_to_uniform(
    optimization_id: str, anonymous_id: str, policy_version: int
) -> float:
    """Return the contract's uniform number in [0, 1) for a user under a version."""
    text = f"{optimization_id}:{anonymous_id}:{policy_version}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return float(int(digest[:13], 16) / 16**13)


def accumulate_probabilities(probabilities: Floats) -> Floats:
    """Return the running sum [V] of one row, exactly 1 from its last variant on."""
    total = np.minimum(np.cumsum(probabilities), 1.0)
    total[np.flatnonzero(probabilities)[-1] :] = 1.0
    return total


def choose_variant(row: Floats | Sequence[float], u: float) -> int:
    """Return the 0-based variant whose stretch of the cumulative row holds `u`.

    A variant without probability has an empty stretch and cannot be chosen.
    """
    return bisect_right(row, u)


def _validate_arguments(
    design: Design,
    enabled: NDArray[np.bool_],
    rule: str,
    exploration_share: float,
    draws: int,
) -> None:
    if enabled.shape != (design.variants,) or enabled.dtype != np.bool_:
        raise ValueError(f"enabled: {design.variants} booleans are needed")
    if not enabled.any():
        raise ValueError("enabled: at least one variant must be")
    if rule not in get_args(AllocationRule):
        raise ValueError(f"rule: one of {', '.join(get_args(AllocationRule))}")
    if not 0 <= exploration_share <= 1:
        raise ValueError("exploration_share: must lie in 0..1")
    if draws < 1:
        raise ValueError("draws: at least one is needed")
