"""Cells with very few events: no conversions, one refund, few users of the winner."""

import numpy as np
import pytest

from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import fit
from tests.support import bandit_worlds


@pytest.mark.parametrize(
    "outcome_counts",
    [
        pytest.param([0.0, 0.0], id="nobody converted"),
        pytest.param([10.0, 0.0, 0.0], id="all had the same outcome"),
    ],
)
def test_outcomes_that_nobody_had_are_fit_too(outcome_counts: list[float]) -> None:
    counts = np.tile(outcome_counts, (4, 1))
    cells = OutcomeCells(
        stratum=np.array([0, 0, 1, 1]),
        stratum_time=np.array([0.0, 0.5]),
        variant=np.array([0, 1, 0, 1]),
        context=np.zeros(4, dtype=int),
        users=np.full(4, 500.0),
        successes=counts.sum(axis=1),
        counts=counts,
        keys=tuple("abc"[: len(outcome_counts)]),
        weights=(3.0, 2.0, 1.0)[: len(outcome_counts)],
    )

    reward = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(reward, np.ones(2, dtype=bool), draws=500)
    assert table.probabilities[0] == pytest.approx([0.5, 0.5], abs=0.1)


def simulate_amounts(
    users: tuple[int, int], scale: tuple[float, float], days: int, seed: int
) -> AmountCells:
    """Simulate two variants: 1% pay about 30 times `scale`, 5% of these are refunds."""
    rng = np.random.default_rng(seed)
    rows = [(day, variant) for day in range(days) for variant in (0, 1)]
    paid = [
        rng.lognormal(3.4, 0.5, rng.binomial(users[variant], 0.01)) * scale[variant]
        for _, variant in rows
    ]
    values = [np.where(rng.random(len(row)) < 0.05, -row, row) for row in paid]
    return _build_cells(rows, [users[variant] for _, variant in rows], values)


def _build_cells(
    rows: list[tuple[int, int]], users: list[int], values: list[Floats]
) -> AmountCells:
    positive = [row[row > 0] for row in values]
    return AmountCells(
        stratum=np.array([day for day, _ in rows]),
        stratum_time=np.arange(rows[-1][0] + 1, dtype=float),
        variant=np.array([variant for _, variant in rows]),
        context=np.zeros(len(rows), dtype=int),
        users=np.array(users, dtype=float),
        successes=np.array([len(row) for row in values], dtype=float),
        value_sum=np.array([row.sum() for row in values]),
        value_sum_squares=np.array([(row**2).sum() for row in values]),
        log_sum=np.array([np.log(row).sum() for row in positive]),
        log_sum_squares=np.array([(np.log(row) ** 2).sum() for row in positive]),
        others=np.array([float((row <= 0).sum()) for row in values]),
    )


def test_a_better_variant_with_few_users_gets_the_traffic() -> None:
    cells = simulate_amounts((500, 5), (1.0, 3.0), days=400, seed=1)

    reward = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    # its few payers vary eight times as much: z is 2.9, so it cannot be certain
    table = allocation.compile_policy(reward, np.ones(2, dtype=bool), draws=1000)
    assert table.probabilities[0, 1] > 0.8


def test_one_huge_loss_does_not_decide_between_losses() -> None:
    rows = [(day, variant) for day in range(14) for variant in (0, 1)]
    losses = {0: np.full(40, -10.0), 1: np.full(40, -20.0)}
    values = [losses[variant] for _, variant in rows]
    values[6] = np.append(values[6], -1e6)  # of the better variant
    cells = _build_cells(rows, [500] * len(rows), values)

    reward = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(reward, np.ones(2, dtype=bool), draws=1000)
    assert table.probabilities[0, 0] > 0.9


def test_equal_values_for_all_users_give_no_winner() -> None:
    rows = [(day, variant) for day in range(14) for variant in (0, 1)]
    cells = _build_cells(rows, [500] * len(rows), [np.full(500, -1.0)] * len(rows))

    reward = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(reward, np.ones(2, dtype=bool), draws=1000)
    assert 0.1 < table.probabilities[0, 0] < 0.9


def test_a_covariance_that_is_not_finite_is_rejected() -> None:
    covariance = np.diag([1.0, np.nan])
    broken = Posterior(bandit_worlds.make_design((2,)), np.zeros(2), covariance)

    with pytest.raises(FloatingPointError):
        allocation.compile_policy(broken, np.ones(2, dtype=bool), draws=10)


@pytest.mark.parametrize("refunds", [1, 2])
def test_first_events_that_are_refunds_give_no_winner(refunds: int) -> None:
    rows = [(day, variant) for day in range(14) for variant in (0, 1)]
    values = [np.array([])] * len(rows)
    values[5] = np.full(refunds, -20.0)
    cells = _build_cells(rows, [500] * len(rows), values)

    reward = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(reward, np.ones(2, dtype=bool), draws=1000)
    assert np.isfinite(table.probabilities).all()
    assert 0.01 < table.probabilities[0, 1] < 0.5
