"""Fits of simulated numeric rewards on a design of eight variants."""

from dataclasses import replace

import numpy as np

from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.report import report
from models_app.bandit.report.report import Report
from models_app.bandit.rewards.fit import fit_reward
from models_app.bandit.rewards.reward_model import RewardPosterior
from tests.support import bandit_worlds, value_worlds
from tests.support.value_worlds import Shop

DESIGN = bandit_worlds.make_design((4, 2))


def make_shop(seed: int, sd: float = 1.0) -> tuple[Shop, Floats]:
    """Return a shop with moderate effects on who pays and how much, and mean rewards.

    The mean rewards are [V].
    """
    rng = np.random.default_rng([seed, 1])
    rate = 1 / (1 + np.exp(3.0 - value_worlds.draw_effects(DESIGN, 0.15, rng)))
    center = 3.4 + value_worlds.draw_effects(DESIGN, 0.1, rng)
    truth = rate * np.exp(center + sd**2 / 2)
    return Shop(DESIGN, rate, value_worlds.log_normal_amounts(center, sd)), truth


def fit_numeric(cells: AmountCells) -> RewardPosterior:
    """Return the reward posterior of cells of the design."""
    reward = fit_reward(DESIGN, cells).reward
    assert isinstance(reward, RewardPosterior)
    return reward


def build_report(cells: AmountCells, *, minimize: bool = False) -> Report:
    """Return the report of a fit and of the policy compiled from it."""
    posterior, enabled = fit_numeric(cells), np.ones(8, bool)
    compiled_policy = allocation.compile_policy(posterior, enabled, minimize=minimize)
    return report.build_report(
        posterior,
        compiled_policy,
        cells,
        enabled=enabled,
        holdout_share=0.1,
        seed=0,
        minimize=minimize,
    )


def add_payer(cells: AmountCells, index: int, amount: float) -> AmountCells:
    """Return the cells with one more payer in one of them."""
    added = np.zeros_like(cells.users)
    added[index] = 1.0
    return replace(
        cells,
        users=cells.users + added,
        successes=cells.successes + added,
        value_sum=cells.value_sum + added * amount,
        value_sum_squares=cells.value_sum_squares + added * amount**2,
        log_sum=cells.log_sum + added * np.log(amount),
        log_sum_squares=cells.log_sum_squares + added * np.log(amount) ** 2,
    )
