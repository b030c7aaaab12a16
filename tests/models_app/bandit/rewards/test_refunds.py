"""Negative amounts: many, few, and a single huge one."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards import hurdle
from tests.support import bandit_worlds, numeric_fits, value_worlds
from tests.support.reward_posteriors import draw_rewards
from tests.support.value_worlds import Shop


def simulate_refunds(seed: int, share: float) -> tuple[AmountCells, Floats]:
    """Return cells of a shop that refunds a share of purchases, and mean rewards [V].

    A refund counts as minus half of the amount.
    """
    shop, truth = numeric_fits.make_shop(seed, sd=0.6)

    def draw_amounts(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        values = shop.amounts(rng, variant, payers)
        return np.where(rng.random(payers) < share, -0.5 * values, values)

    cells = value_worlds.simulate_sales(
        replace(shop, amounts=draw_amounts), 80_000, 3, np.random.default_rng([seed, 3])
    )
    return cells, truth * (1 - 1.5 * share)


def test_refunds_are_learned_as_plain_means_with_a_note() -> None:
    covered = []
    for seed in range(12):
        cells, truth = simulate_refunds(seed, 0.3)

        posterior = numeric_fits.fit_numeric(cells)

        assert (posterior.kind, posterior.notes) == ("mean", (hurdle.NOTE_REFUNDS,))
        low, high = np.quantile(draw_rewards(posterior), [0.025, 0.975], axis=0)
        covered.append(((low < truth) & (truth < high)).mean())
    assert np.mean(covered) > 0.88


def test_plain_means_are_learned_from_mature_users() -> None:
    cells, truth = simulate_refunds(1, 0.3)
    immature = cells.stratum == 2
    partial = replace(
        cells,
        maturity=np.where(immature, 0.5, 1.0),
        value_sum=cells.value_sum * np.where(immature, 0.1, 1.0),
        value_sum_squares=cells.value_sum_squares * np.where(immature, 0.01, 1.0),
    )

    posterior = numeric_fits.fit_numeric(partial)

    assert posterior.kind == "mean"
    assert draw_rewards(posterior).mean() == pytest.approx(truth.mean(), rel=0.1)


def test_rare_refunds_stay_with_the_hurdle_and_a_note() -> None:
    covered = []
    for seed in range(12):
        cells, truth = simulate_refunds(seed, 0.005)

        posterior = numeric_fits.fit_numeric(cells)

        assert posterior.kind == "hurdle"
        assert (hurdle.NOTE_FEW_REFUNDS in posterior.notes) == cells.has_refunds
        low, high = np.quantile(draw_rewards(posterior), [0.025, 0.975], axis=0)
        covered.append(((low < truth) & (truth < high)).mean())
    assert np.mean(covered) > 0.88


def test_one_huge_refund_is_noted_and_moves_nothing() -> None:
    shop, _ = numeric_fits.make_shop(7)
    cells = value_worlds.simulate_sales(shop, 40_000, 3, np.random.default_rng(1))
    before = draw_rewards(numeric_fits.fit_numeric(cells)).mean(axis=0)
    refund = np.zeros_like(cells.users)
    refund[5] = 1e9

    after = numeric_fits.fit_numeric(
        replace(
            cells,
            users=cells.users + (refund > 0),
            others=cells.others + (refund > 0),
            value_sum=cells.value_sum - refund,
            value_sum_squares=cells.value_sum_squares + refund**2,
        )
    )

    assert hurdle.NOTE_FEW_REFUNDS in after.notes
    assert draw_rewards(after).mean(axis=0) == pytest.approx(before, rel=0.05)


def test_one_huge_amount_among_refunds_moves_little() -> None:
    cells, _ = simulate_refunds(0, 0.3)
    before = allocation.compile_policy(
        numeric_fits.fit_numeric(cells), np.ones(8, bool)
    ).probabilities[0]
    worst = int(np.flatnonzero(cells.variant == before.argmin())[0])

    posterior = numeric_fits.fit_numeric(numeric_fits.add_payer(cells, worst, 1e6))
    after = allocation.compile_policy(posterior, np.ones(8, bool)).probabilities[0]

    assert posterior.kind == "mean"
    assert np.abs(after - before).max() < 0.15


def test_minimizing_losses_equals_maximizing_earnings() -> None:
    cells, _ = simulate_refunds(1, 0.3)

    earned = allocation.compile_policy(
        numeric_fits.fit_numeric(cells), np.ones(8, bool)
    )
    lost = negate_amounts(cells)
    spent = allocation.compile_policy(
        numeric_fits.fit_numeric(lost), np.ones(8, bool), minimize=True
    )

    assert numeric_fits.fit_numeric(lost).kind == "mean"
    assert np.abs(spent.probabilities - earned.probabilities).max() < 1e-3
    figures = numeric_fits.build_report(lost, minimize=True)
    assert figures.baseline_reward.hi < 0
    assert figures.estimated_improvement_percent is not None


def negate_amounts(cells: AmountCells) -> AmountCells:
    """Return the cells of the same users with every amount negated."""
    zeros = np.zeros_like(cells.users)
    return replace(
        cells,
        successes=zeros,
        value_sum=-cells.value_sum,
        log_sum=zeros,
        log_sum_squares=zeros,
        others=cells.successes + cells.others,
    )


def test_rare_large_amounts_get_a_wide_enough_interval() -> None:
    design, users = (
        bandit_worlds.make_design((4,)),
        np.array([20_000, 10_000, 1_000, 1_000]),
    )
    rate, price = np.array([0.1, 0.1, 0.01, 0.1]), np.array([10.0, 10.0, 100.0, 10.0])

    def draw_amounts(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        values = price[variant] * np.exp(rng.normal(-0.045, 0.3, payers))
        refunded = rng.random(payers) < 0.03
        return np.asarray(np.where(refunded, -values, values))

    covered = []
    for seed in range(40):
        rng, shop = np.random.default_rng([seed, 6]), Shop(design, rate, draw_amounts)
        days = [
            value_worlds.simulate_shop_day(shop, users, rng, day) for day in range(6)
        ]
        posterior, _ = hurdle.fit_numeric_reward(
            design, value_worlds.build_amount_cells(np.concatenate(days))
        )
        assert posterior.kind == "mean"
        low, high = np.quantile(draw_rewards(posterior), [0.025, 0.975], axis=0)
        covered.append((low < 0.94) & (high > 0.94))

    assert np.mean(covered, axis=0)[2] > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 40)
    assert np.mean(covered) > 0.9
