"""Amounts of other tails than the log-normal's, and single ones out of all bounds."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards import hurdle
from tests.models_app.bandit.rewards.test_hurdle import (
    RUNS,
    believed,
    drawn,
    shop,
    with_amount,
)
from tests.support import bandit_worlds, value_worlds
from tests.support.value_worlds import Shop


def test_one_whale_neither_crowns_its_variant_nor_moves_the_others() -> None:
    world, _ = shop(7)
    cells = value_worlds.simulate_sales(world, 40_000, 3, np.random.default_rng(1))
    before = allocation.compile_policy(believed(cells), np.ones(8, bool)).probabilities[
        0
    ]
    worst, whale = int(before.argmin()), 1e6
    at = int(np.flatnonzero(cells.variant == worst)[0])

    landed = with_amount(cells, at, whale)
    after = allocation.compile_policy(believed(landed), np.ones(8, bool)).probabilities[
        0
    ]

    assert np.abs(after - before).max() < 0.15
    assert after[worst] < 0.05
    moved = drawn(believed(landed)).mean() / drawn(believed(cells)).mean()
    assert moved < 1.5


def test_a_change_of_mix_that_is_not_log_normal_is_seen_in_the_sums() -> None:
    design, rng = bandit_worlds.make_design((2,)), np.random.default_rng(0)

    def two_prices(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        dear = rng.random(payers) < (0.1, 0.9)[variant]
        return np.where(dear, 499.0, 49.0)

    cells = value_worlds.simulate_sales(
        Shop(design, np.full(2, 0.1), two_prices), 80_000, 3, rng
    )

    belief, _ = hurdle.fit_numeric_reward(design, cells)

    means = drawn(belief).mean(axis=0)
    assert (belief.kind, belief.notes) == ("mean", (hurdle.NOTE_NOT_LOG_NORMAL,))
    assert means == pytest.approx([9.4, 45.4], rel=0.05)


@pytest.mark.parametrize("users", [8_000, 80_000])
def test_intervals_cover_means_of_tails_longer_than_the_log_normal(users: int) -> None:
    covered = np.zeros((RUNS, 8))
    for run in range(RUNS):
        world, truth = shop(run)
        mean = truth / world.rate

        def pareto(
            rng: np.random.Generator, variant: int, payers: int, mean: Floats = mean
        ) -> Floats:
            factor = 1.1 / 2.1 * mean[variant]
            return np.asarray(factor * (1 + rng.pareto(2.1, payers)))

        sold = replace(world, amounts=pareto)
        cells = value_worlds.simulate_sales(
            sold, users, 3, np.random.default_rng([run, 5])
        )
        low, high = np.quantile(drawn(believed(cells)), [0.025, 0.975], axis=0)
        covered[run] = (low < truth) & (truth < high)

    error = covered.mean(axis=1).std() / np.sqrt(RUNS)
    assert covered.mean() > 0.93 - 2 * error


def test_a_tail_alike_everywhere_only_sets_the_level() -> None:
    world, _ = shop(2)

    def pareto(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        return 10 * (1 + rng.pareto(3.0, payers))

    cells = value_worlds.simulate_sales(
        replace(world, amounts=pareto), 160_000, 5, np.random.default_rng(4)
    )

    belief = believed(cells)

    assert (belief.kind, belief.notes) == ("hurdle", (hurdle.NOTE_LEVEL_FROM_SUMS,))
    assert drawn(belief).mean(axis=0) == pytest.approx(world.rate * 15, rel=0.1)


def test_amounts_whose_squares_are_lost_are_learnt_by_their_logs() -> None:
    world, truth = shop(5)
    unit = 1e-200

    def tiny(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        return unit * world.amounts(rng, variant, payers)

    cells = value_worlds.simulate_sales(
        replace(world, amounts=tiny), 80_000, 1, np.random.default_rng(0)
    )

    assert not cells.value_sum_squares.any()
    means = drawn(believed(cells)).mean(axis=0) / unit
    assert means == pytest.approx(truth, rel=0.15)
