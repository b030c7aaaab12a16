"""Negative amounts: many, few, and one beyond all the others."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards import hurdle
from tests.models_app.bandit.rewards.test_hurdle import (
    believed,
    drawn,
    reported,
    shop,
    with_amount,
)
from tests.support import bandit_worlds, value_worlds
from tests.support.value_worlds import Shop


def refunding(seed: int, share: float) -> tuple[AmountCells, Floats]:
    """A shop where a share of purchases is refunded at a cost; its mean rewards."""
    world, truth = shop(seed, sd=0.6)

    def drawn(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        values = world.amounts(rng, variant, payers)
        return np.where(rng.random(payers) < share, -0.5 * values, values)

    cells = value_worlds.simulate_sales(
        replace(world, amounts=drawn), 80_000, 3, np.random.default_rng([seed, 3])
    )
    return cells, truth * (1 - 1.5 * share)


def test_refunds_are_learnt_as_plain_means_and_the_report_says_so() -> None:
    covered = []
    for seed in range(12):
        cells, truth = refunding(seed, 0.3)

        belief = believed(cells)

        assert (belief.kind, belief.notes) == ("mean", (hurdle.NOTE_REFUNDS,))
        low, high = np.quantile(drawn(belief), [0.025, 0.975], axis=0)
        covered.append(((low < truth) & (truth < high)).mean())
    assert np.mean(covered) > 0.88


def test_plain_means_are_learnt_from_users_whose_sums_are_final() -> None:
    cells, truth = refunding(1, 0.3)
    young = cells.stratum == 2
    partial = replace(
        cells,
        maturity=np.where(young, 0.5, 1.0),
        value_sum=cells.value_sum * np.where(young, 0.1, 1.0),
        value_sum_squares=cells.value_sum_squares * np.where(young, 0.01, 1.0),
    )

    belief = believed(partial)

    assert belief.kind == "mean"
    assert drawn(belief).mean() == pytest.approx(truth.mean(), rel=0.1)


def test_rare_refunds_leave_means_to_the_interval_and_are_told_of() -> None:
    covered = []
    for seed in range(12):
        cells, truth = refunding(seed, 0.005)

        belief = believed(cells)

        assert belief.kind == "hurdle"
        assert (hurdle.NOTE_FEW_REFUNDS in belief.notes) == cells.has_refunds
        low, high = np.quantile(drawn(belief), [0.025, 0.975], axis=0)
        covered.append(((low < truth) & (truth < high)).mean())
    assert np.mean(covered) > 0.88


def test_one_refund_beyond_all_sales_is_told_of_and_rules_nothing() -> None:
    world, _ = shop(7)
    cells = value_worlds.simulate_sales(world, 40_000, 3, np.random.default_rng(1))
    before = drawn(believed(cells)).mean(axis=0)
    refund = np.zeros_like(cells.users)
    refund[5] = 1e9

    after = believed(
        replace(
            cells,
            users=cells.users + (refund > 0),
            others=cells.others + (refund > 0),
            value_sum=cells.value_sum - refund,
            value_sum_squares=cells.value_sum_squares + refund**2,
        )
    )

    assert hurdle.NOTE_FEW_REFUNDS in after.notes
    assert drawn(after).mean(axis=0) == pytest.approx(before, rel=0.05)


def test_one_whale_among_refunds_rules_nothing_either() -> None:
    cells, _ = refunding(0, 0.3)
    before = allocation.compile_policy(believed(cells), np.ones(8, bool)).probabilities[
        0
    ]
    at = int(np.flatnonzero(cells.variant == before.argmin())[0])

    landed = believed(with_amount(cells, at, 1e6))
    after = allocation.compile_policy(landed, np.ones(8, bool)).probabilities[0]

    assert landed.kind == "mean"
    assert np.abs(after - before).max() < 0.15


def test_a_loss_on_everybody_is_minimised_to_the_least_of_losses() -> None:
    cells, _ = refunding(1, 0.3)

    earned = allocation.compile_policy(believed(cells), np.ones(8, bool))
    lost = negated(cells)
    spent = allocation.compile_policy(believed(lost), np.ones(8, bool), minimise=True)

    assert believed(lost).kind == "mean"
    assert np.abs(spent.probabilities - earned.probabilities).max() < 1e-3
    made = reported(lost, minimise=True)
    assert made.baseline_reward.hi < 0
    assert made.estimated_improvement_percent is not None


def negated(cells: AmountCells) -> AmountCells:
    """The cells of the same users with every amount's sign turned."""
    nobody = np.zeros_like(cells.users)
    return replace(
        cells,
        successes=nobody,
        value_sum=-cells.value_sum,
        log_sum=nobody,
        log_sum_squares=nobody,
        others=cells.successes + cells.others,
    )


def test_a_variant_that_seldom_pays_much_has_an_interval_of_its_own() -> None:
    design, users = (
        bandit_worlds.make_design((4,)),
        np.array([20_000, 10_000, 1_000, 1_000]),
    )
    rate, price = np.array([0.1, 0.1, 0.01, 0.1]), np.array([10.0, 10.0, 100.0, 10.0])

    def paid(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        values = price[variant] * np.exp(rng.normal(-0.045, 0.3, payers))
        refunded = rng.random(payers) < 0.03
        return np.asarray(np.where(refunded, -values, values))

    covered = []
    for seed in range(40):
        rng, world = np.random.default_rng([seed, 6]), Shop(design, rate, paid)
        days = [
            value_worlds.simulate_shop_day(world, users, rng, day) for day in range(6)
        ]
        belief, _ = hurdle.fit_numeric_reward(
            design, value_worlds.build_amount_cells(np.concatenate(days))
        )
        assert belief.kind == "mean"
        low, high = np.quantile(drawn(belief), [0.025, 0.975], axis=0)
        covered.append((low < 0.94) & (high > 0.94))

    assert np.mean(covered, axis=0)[2] > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 40)
    assert np.mean(covered) > 0.9
