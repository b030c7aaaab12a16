"""Rewards held against others, draw by draw: lifts in percent, progress."""

import numpy as np

from models_app.bandit.design.design import Floats
from models_app.bandit.report import posterior_draws
from models_app.bandit.report.posterior_draws import PosteriorEstimate, RewardDraws

MIN_BASELINE = 1e-12
"""Smallest baseline reward that a lift is reckoned against."""

UNSURE_TAIL = 0.005
"""Tail of the baseline's draws that may be of another sign."""

MIN_RELATIVE_REGRET = 1e-12
"""Share of the reward below which variants count as all alike."""


def compute_lift_percent(reward: Floats, baseline: Floats) -> PosteriorEstimate | None:
    """Relative difference in percent; finite even where nobody ever converted.

    Of a negative baseline the share of its size; the few draws in which it is nearest
    to nothing count as the UNSURE quantile of them, lest they make up the mean. None
    where its sign is not sure or it is nothing: then percentages mean nothing.
    """
    lo, hi = np.quantile(baseline, [UNSURE_TAIL, 1 - UNSURE_TAIL])
    if lo <= 0 <= hi or max(abs(lo), abs(hi)) <= MIN_BASELINE:
        return None
    size = np.maximum(np.abs(baseline), max(min(abs(lo), abs(hi)), MIN_BASELINE))
    return posterior_draws.summarize_draws(100.0 * (reward - baseline) / size)


def compute_progress(drawn: RewardDraws) -> float:
    """Share of what uniform allocation would lose that the current one does not."""
    lost = abs((drawn.best - drawn.policy).mean())
    lost_by_uniform = abs((drawn.best - drawn.uniform).mean())
    if lost_by_uniform <= MIN_RELATIVE_REGRET * abs(drawn.best.mean()):
        return 1.0
    return float(np.clip(1.0 - lost / lost_by_uniform, 0.0, 1.0))
