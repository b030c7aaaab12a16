"""Weighted outcomes: a simulated truth, coverage, order and sign, extreme counts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models_app.bandit.data.value_cells import OutcomeCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.report import report
from models_app.bandit.rewards import fit, outcomes
from models_app.bandit.rewards.reward_model import RewardPosterior
from tests.support import bandit_worlds, value_worlds
from tests.support.reward_posteriors import draw_rewards

DESIGN = bandit_worlds.make_design((3, 2))
WEIGHTS = (3.0, 1.0)
RUNS = 80


def make_truth(seed: int) -> tuple[Floats, Floats]:
    """Return chances [V] of any outcome, and shares [V, 2] of expensive and cheap."""
    rng = np.random.default_rng([seed, 1])
    rate = 1 / (1 + np.exp(2.9 - value_worlds.draw_effects(DESIGN, 0.15, rng)))
    expensive = 1 / (1 + np.exp(1.1 - value_worlds.draw_effects(DESIGN, 0.15, rng)))
    return rate, np.stack([expensive, 1 - expensive], axis=1)


def fit_outcomes(cells: OutcomeCells) -> RewardPosterior:
    """Return the reward posterior of cells of the design, which has six variants."""
    reward = fit.fit_reward(DESIGN, cells).reward
    assert isinstance(reward, RewardPosterior)
    return reward


def test_estimates_recover_simulated_mean_weights() -> None:
    rate, shares = make_truth(3)
    cells = value_worlds.simulate_outcomes(
        rate, shares, WEIGHTS, 200_000, np.random.default_rng(0)
    )

    posterior, enabled = fit_outcomes(cells), np.ones(6, bool)
    figures = report.build_report(
        posterior,
        allocation.compile_policy(posterior, enabled),
        cells,
        enabled=enabled,
        holdout_share=0.1,
        seed=0,
    )

    means = [row.expected_reward.mean for row in figures.variants]
    assert means == pytest.approx(rate * (shares @ WEIGHTS), rel=0.03)
    assert figures.reward_model == "outcomes"
    assert {row.part for row in figures.coefficients} == {"any outcome", "outcome 0"}
    historic = (cells.counts @ WEIGHTS).sum() / cells.users.sum()
    assert figures.historic_reward == pytest.approx(historic)


def test_intervals_of_mean_weights_cover_95_percent() -> None:
    covered = np.zeros((RUNS, 6))
    for run in range(RUNS):
        rate, shares = make_truth(run)
        cells = value_worlds.simulate_outcomes(
            rate, shares, WEIGHTS, 4_000, np.random.default_rng([run, 2])
        )
        low, high = np.quantile(
            draw_rewards(fit_outcomes(cells)), [0.025, 0.975], axis=0
        )
        truth = rate * (shares @ WEIGHTS)
        covered[run] = (low < truth) & (truth < high)

    error = covered.mean(axis=1).std() / np.sqrt(RUNS)
    assert 0.93 - 2.5 * error < covered.mean() < 0.97 + 2.5 * error


def test_minimizing_weights_equals_maximizing_their_negatives() -> None:
    rate, shares = make_truth(5)
    cells = value_worlds.simulate_outcomes(
        rate, shares, WEIGHTS, 4_000, np.random.default_rng(0)
    )
    negative = replace(cells, weights=(-3.0, -1.0))
    enabled = np.ones(6, bool)

    maximized = allocation.compile_policy(fit_outcomes(cells), enabled)
    minimized = allocation.compile_policy(
        fit_outcomes(negative), enabled, minimize=True
    )

    assert maximized.probabilities.tobytes() == minimized.probabilities.tobytes()


def test_outcomes_with_equal_weights_count_as_one() -> None:
    rate, shares = make_truth(6)
    cells = value_worlds.simulate_outcomes(
        rate, shares, (2.0, 2.0), 4_000, np.random.default_rng(0)
    )

    merged_cells = replace(
        cells,
        counts=cells.counts.sum(axis=1, keepdims=True),
        keys=("any",),
        weights=(2.0,),
    )

    separate = draw_rewards(fit_outcomes(cells))
    merged = draw_rewards(fit_outcomes(merged_cells))

    assert separate == pytest.approx(merged)


@pytest.mark.parametrize(
    ("rate", "shares"),
    [
        pytest.param(0.0, (0.5, 0.3, 0.2), id="no outcomes"),
        pytest.param(1.0, (1.0, 0.0, 0.0), id="only the first"),
        pytest.param(0.5, (0.0, 0.0, 1.0), id="only the last"),
    ],
)
def test_extreme_counts_give_finite_estimates(
    rate: float, shares: tuple[float, ...]
) -> None:
    cells = value_worlds.simulate_outcomes(
        np.full(2, rate),
        np.array([shares, shares]),
        (10.0, 3.0, -1.0),
        300,
        np.random.default_rng(0),
    )

    posterior, _ = outcomes.fit_outcome_reward(bandit_worlds.make_design((2,)), cells)

    draws = draw_rewards(posterior)
    truth = rate * float(np.dot(shares, (10.0, 3.0, -1.0)))
    assert np.isfinite(draws).all()
    assert draws.mean() == pytest.approx(truth, abs=0.3)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"weights": (np.nan, 1.0)}, "weights"),
        ({"keys": (), "weights": ()}, "weights"),
        ({"counts": np.zeros((6, 3))}, "counts"),
        ({"counts": np.zeros((6, 2))}, "counts"),
    ],
)
def test_impossible_outcomes_are_rejected_by_field(
    changed: dict[str, Any], field: str
) -> None:
    rate, shares = make_truth(5)
    cells = value_worlds.simulate_outcomes(
        rate, shares, WEIGHTS, 400, np.random.default_rng(0)
    )

    with pytest.raises(ValueError, match=f"^{field}:"):
        fit.fit_reward(DESIGN, replace(cells, **changed))
