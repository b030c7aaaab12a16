"""Cells with next to nothing in them: no conversions, one refund, a starved winner."""

import numpy as np
import pytest

from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import fit
from tests.support import bandit_worlds


@pytest.mark.parametrize(
    "one",
    [
        pytest.param([0.0, 0.0], id="nobody converted"),
        pytest.param([10.0, 0.0, 0.0], id="all converted alike"),
    ],
)
def test_outcomes_nobody_reached_are_learnt_all_the_same(one: list[float]) -> None:
    counts = np.tile(one, (4, 1))
    cells = OutcomeCells(
        stratum=np.array([0, 0, 1, 1]),
        stratum_time=np.array([0.0, 0.5]),
        variant=np.array([0, 1, 0, 1]),
        context=np.zeros(4, dtype=int),
        users=np.full(4, 500.0),
        successes=counts.sum(axis=1),
        counts=counts,
        keys=tuple("abc"[: len(one)]),
        weights=(3.0, 2.0, 1.0)[: len(one)],
    )

    believed = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(believed, np.ones(2, dtype=bool), draws=500)
    assert table.probabilities[0] == pytest.approx([0.5, 0.5], abs=0.1)


def amounts(
    users: tuple[int, int], scale: tuple[float, float], days: int, seed: int
) -> AmountCells:
    """Sell on two variants: 1% pay, about 30 times `scale`, one in twenty is a refund."""
    rng = np.random.default_rng(seed)
    rows = [(day, variant) for day in range(days) for variant in (0, 1)]
    paid = [
        rng.lognormal(3.4, 0.5, rng.binomial(users[variant], 0.01)) * scale[variant]
        for _, variant in rows
    ]
    signed = [np.where(rng.random(len(each)) < 0.05, -each, each) for each in paid]
    return _cells(rows, [users[variant] for _, variant in rows], signed)


def _cells(
    rows: list[tuple[int, int]], users: list[int], values: list[Floats]
) -> AmountCells:
    plus = [each[each > 0] for each in values]
    return AmountCells(
        stratum=np.array([day for day, _ in rows]),
        stratum_time=np.arange(rows[-1][0] + 1, dtype=float),
        variant=np.array([variant for _, variant in rows]),
        context=np.zeros(len(rows), dtype=int),
        users=np.array(users, dtype=float),
        successes=np.array([len(each) for each in values], dtype=float),
        value_sum=np.array([each.sum() for each in values]),
        value_sum_squares=np.array([(each**2).sum() for each in values]),
        log_sum=np.array([np.log(each).sum() for each in plus]),
        log_sum_squares=np.array([(np.log(each) ** 2).sum() for each in plus]),
        others=np.array([float((each <= 0).sum()) for each in values]),
    )


def test_a_starved_variant_that_is_better_gets_the_traffic() -> None:
    cells = amounts((500, 5), (1.0, 3.0), days=400, seed=1)

    believed = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    # Its few payers vary eight times as much: z is 2.9, and certainty is not to be had.
    table = allocation.compile_policy(believed, np.ones(2, dtype=bool), draws=1000)
    assert table.probabilities[0, 1] > 0.8


def test_one_loss_beyond_all_others_does_not_rule_where_nothing_is_earned() -> None:
    rows = [(day, variant) for day in range(14) for variant in (0, 1)]
    each = {0: np.full(40, -10.0), 1: np.full(40, -20.0)}
    values = [each[variant] for _, variant in rows]
    values[6] = np.append(values[6], -1e6)  # of the better variant
    cells = _cells(rows, [500] * len(rows), values)

    believed = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(believed, np.ones(2, dtype=bool), draws=1000)
    assert table.probabilities[0, 0] > 0.9


def test_where_everybody_is_worth_the_same_nobody_is_crowned() -> None:
    rows = [(day, variant) for day in range(14) for variant in (0, 1)]
    cells = _cells(rows, [500] * len(rows), [np.full(500, -1.0)] * len(rows))

    believed = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(believed, np.ones(2, dtype=bool), draws=1000)
    assert 0.1 < table.probabilities[0, 0] < 0.9


def test_a_posterior_that_is_not_finite_is_never_drawn_from() -> None:
    covariance = np.diag([1.0, np.nan])
    broken = Posterior(bandit_worlds.make_design((2,)), np.zeros(2), covariance)

    with pytest.raises(FloatingPointError):
        allocation.compile_policy(broken, np.ones(2, dtype=bool), draws=10)


@pytest.mark.parametrize("refunds", [1, 2])
def test_where_the_first_events_are_refunds_nobody_is_crowned(refunds: int) -> None:
    rows = [(day, variant) for day in range(14) for variant in (0, 1)]
    values = [np.array([])] * len(rows)
    values[5] = np.full(refunds, -20.0)
    cells = _cells(rows, [500] * len(rows), values)

    believed = fit.fit_reward(bandit_worlds.make_design((2,)), cells).reward

    table = allocation.compile_policy(believed, np.ones(2, dtype=bool), draws=1000)
    assert np.isfinite(table.probabilities).all()
    assert 0.01 < table.probabilities[0, 1] < 0.5
