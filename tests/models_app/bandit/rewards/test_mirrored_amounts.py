"""Less of an amount is learned like more of its negative: by the logs of its size."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from benchmarks.statistics import less_is_better
from models_app.bandit.data import value_cells
from models_app.bandit.data.cells import TrainingRow
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards import hurdle
from models_app.bandit.rewards.reward_model import RewardPosterior
from tests.support import bandit_worlds, numeric_fits
from tests.support.reward_posteriors import draw_rewards

DESIGN = bandit_worlds.make_design((4, 2))
USERS, DAYS, AS_OF = 500, 6, datetime(2026, 4, 1, tzinfo=UTC)
Amounts = Callable[[np.random.Generator, int], Floats]


def draw_log_normal(rng: np.random.Generator, payers: int) -> Floats:
    """Draw log-normal amounts."""
    return rng.lognormal(3.4, 1.0, payers)


def draw_pareto(rng: np.random.Generator, payers: int) -> Floats:
    """Draw amounts whose variance is infinite."""
    return np.asarray(10 * (1 + rng.pareto(1.5, payers)))


def draw_with_whale(rng: np.random.Generator, payers: int) -> Floats:
    """Draw amounts of which one in a thousand is huge."""
    return np.where(rng.random(payers) < 1e-3, 1e9, draw_log_normal(rng, payers))


def draw_few_refunds(rng: np.random.Generator, payers: int) -> Floats:
    """Draw amounts of which one in 200 is taken back, and more."""
    return draw_log_normal(rng, payers) * np.where(rng.random(payers) < 0.005, -1, 1)


def draw_many_refunds(rng: np.random.Generator, payers: int) -> Floats:
    """Draw amounts of which a third is taken back, and more."""
    return draw_log_normal(rng, payers) * np.where(rng.random(payers) < 1 / 3, -1, 1)


WORLDS = (
    draw_log_normal,
    draw_pareto,
    draw_with_whale,
    draw_few_refunds,
    draw_many_refunds,
)


def simulate_rows(amounts: Amounts, sign: float, seed: int = 1) -> list[TrainingRow]:
    """Return rows of amounts of which later variants have more, times the sign."""
    rng = np.random.default_rng(seed)
    rows = []
    for day in range(DAYS):
        for variant in range(DESIGN.variants):
            values = amounts(rng, rng.binomial(USERS, 0.3)) * (1 + 0.1 * variant)
            rows.append(less_is_better.build_row(day, variant, USERS, sign * values))
    return rows


def tabulate(rows: list[TrainingRow]) -> AmountCells:
    """Return the training cells of the rows."""
    return value_cells.tabulate_amounts(rows, [0] * 32, 24, AS_OF)


def compile_table(reward: RewardPosterior, *, minimize: bool) -> Floats:
    """Return the allocation [V] of the fitted reward."""
    enabled = np.ones(DESIGN.variants, bool)
    policy = allocation.compile_policy(reward, enabled, minimize=minimize)
    return np.asarray(policy.probabilities[0])


@pytest.mark.parametrize("amounts", WORLDS)
@pytest.mark.parametrize("minimize", [True, False])
def test_less_of_amounts_gets_the_table_of_more_of_their_negatives(
    amounts: Amounts, minimize: bool
) -> None:
    costs = numeric_fits.fit_numeric(tabulate(simulate_rows(amounts, 1.0)))
    losses = numeric_fits.fit_numeric(tabulate(simulate_rows(amounts, -1.0)))

    of_costs = compile_table(costs, minimize=minimize)
    of_losses = compile_table(losses, minimize=not minimize)

    assert of_costs.tobytes() == of_losses.tobytes()
    assert costs.kind == losses.kind
    means = draw_rewards(costs).mean(axis=0)
    assert -draw_rewards(losses).mean(axis=0) == pytest.approx(means, rel=0.02)
    assert draw_rewards(losses).mean() < 0


def test_amounts_that_should_decrease_are_learned_by_their_logs() -> None:
    rows = simulate_rows(draw_pareto, -1.0)

    reward = numeric_fits.fit_numeric(tabulate(rows))

    assert reward.kind == "hurdle"
    assert hurdle.NOTE_NEGATIVE in reward.notes
    assert compile_table(reward, minimize=False)[0] > 0.4


def test_the_plain_mean_of_negative_amounts_has_their_sign() -> None:
    cells = tabulate(simulate_rows(draw_log_normal, -1.0))

    report = numeric_fits.build_report(cells)

    assert cells.sign == -1
    assert report.historic_reward == pytest.approx(
        -cells.value_sum.sum() / cells.users.sum()
    )
    assert report.baseline_reward.hi < 0


def test_negative_amounts_without_logs_are_learned_by_their_sums() -> None:
    """Days that an earlier version counted, whose events are gone."""
    rows = simulate_rows(draw_log_normal, -1.0)
    old: dict[str, Any] = {
        "negatives": 0,
        "negative_log_sum": 0.0,
        "negative_log_sum_squares": 0.0,
    }

    of_some = [replace(row, **old) if row.day == rows[0].day else row for row in rows]
    of_all = [replace(row, **old) for row in rows]

    for known in (of_some, of_all):
        reward = numeric_fits.fit_numeric(tabulate(known))
        assert (reward.kind, reward.notes) == ("mean", (hurdle.NOTE_LOGS_NOT_COUNTED,))
        assert compile_table(reward, minimize=False)[0] > 0.2
