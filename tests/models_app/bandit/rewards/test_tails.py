"""Amounts with other tails than the log-normal's, and single huge amounts."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards import hurdle
from tests.support import bandit_worlds, numeric_fits, value_worlds
from tests.support.reward_posteriors import draw_rewards
from tests.support.value_worlds import Shop

RUNS = 60


def test_one_huge_amount_changes_the_allocation_little() -> None:
    shop, _ = numeric_fits.make_shop(7)
    cells = value_worlds.simulate_sales(shop, 40_000, 3, np.random.default_rng(1))
    before = allocation.compile_policy(
        numeric_fits.fit_numeric(cells), np.ones(8, bool)
    ).probabilities[0]
    worst = int(before.argmin())
    index = int(np.flatnonzero(cells.variant == worst)[0])

    with_whale = numeric_fits.add_payer(cells, index, 1e6)
    posterior = numeric_fits.fit_numeric(with_whale)
    after = allocation.compile_policy(posterior, np.ones(8, bool)).probabilities[0]

    assert np.abs(after - before).max() < 0.15
    assert after[worst] < 0.05
    mean_before = draw_rewards(numeric_fits.fit_numeric(cells)).mean()
    assert draw_rewards(posterior).mean() / mean_before < 1.5


def test_a_mix_of_two_prices_is_learned_from_the_sums() -> None:
    design, rng = bandit_worlds.make_design((2,)), np.random.default_rng(0)

    def two_prices(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        is_expensive = rng.random(payers) < (0.1, 0.9)[variant]
        return np.where(is_expensive, 499.0, 49.0)

    cells = value_worlds.simulate_sales(
        Shop(design, np.full(2, 0.1), two_prices), 80_000, 3, rng
    )

    posterior, _ = hurdle.fit_numeric_reward(design, cells)

    means = draw_rewards(posterior).mean(axis=0)
    assert (posterior.kind, posterior.notes) == ("mean", (hurdle.NOTE_NOT_LOG_NORMAL,))
    assert means == pytest.approx([9.4, 45.4], rel=0.05)


@pytest.mark.parametrize("users", [8_000, 80_000])
def test_intervals_cover_means_with_long_tails(users: int) -> None:
    covered = np.zeros((RUNS, 8))
    for run in range(RUNS):
        shop, truth = numeric_fits.make_shop(run)
        mean = truth / shop.rate

        def pareto(
            rng: np.random.Generator, variant: int, payers: int, mean: Floats = mean
        ) -> Floats:
            factor = 1.1 / 2.1 * mean[variant]
            return np.asarray(factor * (1 + rng.pareto(2.1, payers)))

        pareto_shop = replace(shop, amounts=pareto)
        cells = value_worlds.simulate_sales(
            pareto_shop, users, 3, np.random.default_rng([run, 5])
        )
        low, high = np.quantile(
            draw_rewards(numeric_fits.fit_numeric(cells)), [0.025, 0.975], axis=0
        )
        covered[run] = (low < truth) & (truth < high)

    error = covered.mean(axis=1).std() / np.sqrt(RUNS)
    assert covered.mean() > 0.93 - 2 * error


def test_a_long_tail_that_all_variants_share_sets_the_level() -> None:
    shop, _ = numeric_fits.make_shop(2)

    def pareto(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        return 10 * (1 + rng.pareto(3.0, payers))

    cells = value_worlds.simulate_sales(
        replace(shop, amounts=pareto), 160_000, 5, np.random.default_rng(4)
    )

    posterior = numeric_fits.fit_numeric(cells)

    assert (posterior.kind, posterior.notes) == (
        "hurdle",
        (hurdle.NOTE_LEVEL_FROM_SUMS,),
    )
    assert draw_rewards(posterior).mean(axis=0) == pytest.approx(
        shop.rate * 15, rel=0.1
    )


def test_amounts_whose_squares_underflow_are_learned_from_their_logs() -> None:
    shop, truth = numeric_fits.make_shop(5)
    unit = 1e-200

    def tiny(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        return unit * shop.amounts(rng, variant, payers)

    cells = value_worlds.simulate_sales(
        replace(shop, amounts=tiny), 80_000, 1, np.random.default_rng(0)
    )

    assert not cells.value_sum_squares.any()
    means = draw_rewards(numeric_fits.fit_numeric(cells)).mean(axis=0) / unit
    assert means == pytest.approx(truth, rel=0.15)
