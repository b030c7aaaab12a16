"""The allocation table: compiling it from a posterior, and drawing variants from it."""

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

# Power of `prob_best` that rule 'default' allocates by.
#
# The square is the probability that two independent draws of the posterior agree on a
# variant, so variants that only one of them calls best are served less. Figures are
# in docs/model.md.
DEFAULT_POWER = 2


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """An allocation table.

    Attributes
    ----------
    probabilities: [S, V] of serving each variant in each context cell; rows sum to 1.
    prob_best: [S, V] share of posterior draws in which the variant is best there.

    """

    probabilities: Floats
    prob_best: Floats


def compile_policy(  # noqa: PLR0913 - two inputs; all options are keyword-only
    fitted_reward: FittedReward,
    enabled: NDArray[np.bool_],
    *,
    rule: AllocationRule = "default",
    exploration_share: float = 0.01,
    draws: int = 4000,
    seed: int = 0,
    bias: Mapping[str, float] | None = None,
    minimize: bool = False,
) -> CompiledPolicy:
    """Compile a reward into the probability of each variant in each context cell.

    `prob_best` is the share of joint posterior draws in which an enabled variant has
    the highest expected reward. Rule 'thompson' allocates by it; 'default' by its
    square, normalized; 'uniform' evenly. Then `exploration_share` of all traffic is
    spread evenly over the enabled variants; disabled ones (`enabled` is [V]) get
    exactly 0.

    `bias` multiplies the deviations of a factor's coefficients by 1 + its bias before
    drawing. With `minimize` the lowest reward is best.

    Raises ValueError, naming the argument, if one is out of range.
    """
    sign = 1.0
    if minimize:
        fitted_reward, sign = reward_model.negate_reward(fitted_reward)
    _validate_arguments(fitted_reward.design, enabled, rule, exploration_share, draws)
    variants = np.flatnonzero(enabled)
    with blas_threads.use_single_thread():
        prob_best = compute_prob_best(
            fitted_reward, draws, seed, variants, bias=bias, sign=sign
        )
    if rule == "uniform":
        probabilities = build_uniform_table(fitted_reward.design.context_cells, enabled)
    else:
        power = prob_best**DEFAULT_POWER if rule == "default" else prob_best
        shares = power / power.sum(axis=1, keepdims=True)
        probabilities = mix_exploration(shares, enabled, exploration_share)
    return CompiledPolicy(probabilities, prob_best)


def build_uniform_table(context_cells: int, enabled: NDArray[np.bool_]) -> Floats:
    """Return the table [S, V] of version 0, which serves enabled variants evenly.

    Raises ValueError if no variant is enabled.
    """
    if not enabled.any():
        raise ValueError("enabled: at least one variant must be enabled")
    return np.tile(enabled / enabled.sum(), (context_cells, 1))


def mix_exploration(
    shares: Floats, enabled: NDArray[np.bool_], exploration_share: float
) -> Floats:
    """Return shares [S, V] mixed with even exploration of the enabled variants."""
    even = build_uniform_table(len(shares), enabled)
    return (1 - exploration_share) * shares + exploration_share * even


def hash_to_uniform(
    optimization_id: str, anonymous_id: str, policy_version: int
) -> float:
    """Return the number in [0, 1) that decides a user's variant under a version.

    docs/serving.md publishes the formula, for clients that decide themselves.
    """
    text = f"{optimization_id}:{anonymous_id}:{policy_version}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return float(int(digest[:13], 16) / 16**13)


def accumulate_probabilities(probabilities: Floats) -> Floats:
    """Return a row's running sum [V], exactly 1 from its last served variant on."""
    cumulative = np.minimum(np.cumsum(probabilities), 1.0)
    cumulative[np.flatnonzero(probabilities)[-1] :] = 1.0
    return cumulative


def choose_variant(cumulative: Floats | Sequence[float], u: float) -> int:
    """Return the 0-based variant whose interval of the cumulative row holds `u`.

    The interval of a variant without probability is empty, so it is never chosen.
    """
    return bisect_right(cumulative, u)


def _validate_arguments(
    design: Design,
    enabled: NDArray[np.bool_],
    rule: str,
    exploration_share: float,
    draws: int,
) -> None:
    if enabled.shape != (design.variants,) or enabled.dtype != np.bool_:
        raise ValueError(f"enabled: must hold {design.variants} booleans")
    if not enabled.any():
        raise ValueError("enabled: at least one variant must be enabled")
    if rule not in get_args(AllocationRule):
        raise ValueError(f"rule: must be one of {', '.join(get_args(AllocationRule))}")
    if not 0 <= exploration_share <= 1:
        raise ValueError("exploration_share: must be from 0 to 1")
    if draws < 1:
        raise ValueError("draws: must be at least 1")
