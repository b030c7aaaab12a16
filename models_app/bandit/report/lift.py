"""Rewards compared draw by draw: lift in percent, and progress."""

import numpy as np

from models_app.bandit.design.design import Floats
from models_app.bandit.report import posterior_draws
from models_app.bandit.report.posterior_draws import LiftEstimate, RewardDraws

# Smallest baseline reward that a lift is computed against.
MIN_BASELINE = 1e-12

# Share of the baseline's draws, at either end, that may have another sign.
SIGN_TAIL = 0.005

# Share of the reward below which all variants count as equal.
MIN_RELATIVE_REGRET = 1e-12


def compute_lift_percent(reward: Floats, baseline: Floats) -> LiftEstimate | None:
    """Return the difference in percent of the baseline's size; both are [draws].

    It is always finite. The few draws in which the baseline is closest to zero count as
    their SIGN_TAIL quantile, so that they do not dominate the mean. It is None if the
    baseline is zero or its sign is uncertain: a percentage then means nothing.
    """
    lo, hi = np.quantile(baseline, [SIGN_TAIL, 1 - SIGN_TAIL])
    if lo <= 0 <= hi or max(abs(lo), abs(hi)) <= MIN_BASELINE:
        return None
    size = np.maximum(np.abs(baseline), max(min(abs(lo), abs(hi)), MIN_BASELINE))
    return posterior_draws.summarize_lift(100.0 * (reward - baseline) / size)


def compute_progress(draws: RewardDraws, policy_reward: Floats) -> float:
    """Return the share of the loss of even allocation that `policy_reward` avoids.

    It is [draws], under the allocation in question.
    """
    loss = abs((draws.best_reward - policy_reward).mean())
    uniform_loss = abs((draws.best_reward - draws.uniform_reward).mean())
    if uniform_loss <= MIN_RELATIVE_REGRET * abs(draws.best_reward.mean()):
        return 1.0
    return float(np.clip(1.0 - loss / uniform_loss, 0.0, 1.0))
