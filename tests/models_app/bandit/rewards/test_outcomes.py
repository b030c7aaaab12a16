"""Weighted outcomes: a truth recovered, honest intervals, order and sign, extremes."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data.value_cells import OutcomeCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.report import report
from models_app.bandit.rewards import fit, outcomes, reward_model
from models_app.bandit.rewards.reward_model import RewardPosterior
from tests.support import bandit_worlds, value_worlds

DESIGN = bandit_worlds.make_design((3, 2))
WEIGHTS = (3.0, 1.0)
RUNS = 80


def world(seed: int) -> tuple[Floats, Floats]:
    """Chances [V] of any outcome and shares [V, 2] of dear and cheap ones."""
    rng = np.random.default_rng([seed, 1])
    rate = 1 / (1 + np.exp(2.9 - value_worlds.draw_effects(DESIGN, 0.15, rng)))
    dear = 1 / (1 + np.exp(1.1 - value_worlds.draw_effects(DESIGN, 0.15, rng)))
    return rate, np.stack([dear, 1 - dear], axis=1)


def believed(cells: OutcomeCells) -> RewardPosterior:
    """What is believed of a design of six variants."""
    found = fit.fit_reward(DESIGN, cells).reward
    assert isinstance(found, RewardPosterior)
    return found


def drawn(belief: RewardPosterior) -> Floats:
    """Draws [4000, V] of rewards in context 0."""
    everyone = np.arange(belief.design.variants)
    nobody = np.zeros(0, dtype=np.int64)
    chunks = reward_model.draw_chunks(belief, 4000, 0, everyone)
    return np.concatenate([chunk.table().reward(nobody) for chunk in chunks])


def test_a_simulated_truth_is_recovered_as_a_mean_weight() -> None:
    rate, shares = world(3)
    cells = value_worlds.simulate_outcomes(
        rate, shares, WEIGHTS, 200_000, np.random.default_rng(0)
    )

    belief, everyone = believed(cells), np.ones(6, bool)
    made = report.build_report(
        belief,
        allocation.compile_policy(belief, everyone),
        cells,
        enabled=everyone,
        holdout_share=0.1,
        seed=0,
    )

    means = [row.expected_reward.mean for row in made.variants]
    assert means == pytest.approx(rate * (shares @ WEIGHTS), rel=0.03)
    assert made.reward_model == "outcomes"
    assert {row.part for row in made.coefficients} == {"any outcome", "outcome 0"}
    historic = (cells.counts @ WEIGHTS).sum() / cells.users.sum()
    assert made.historic_reward == pytest.approx(historic)


def test_intervals_of_mean_weights_cover_as_often_as_they_say() -> None:
    covered = np.zeros((RUNS, 6))
    for run in range(RUNS):
        rate, shares = world(run)
        cells = value_worlds.simulate_outcomes(
            rate, shares, WEIGHTS, 4_000, np.random.default_rng([run, 2])
        )
        low, high = np.quantile(drawn(believed(cells)), [0.025, 0.975], axis=0)
        truth = rate * (shares @ WEIGHTS)
        covered[run] = (low < truth) & (truth < high)

    error = covered.mean(axis=1).std() / np.sqrt(RUNS)
    assert 0.93 - 2.5 * error < covered.mean() < 0.97 + 2.5 * error


def test_minimising_weights_is_maximising_their_negatives() -> None:
    rate, shares = world(5)
    cells = value_worlds.simulate_outcomes(
        rate, shares, WEIGHTS, 4_000, np.random.default_rng(0)
    )
    negative = replace(cells, weights=(-3.0, -1.0))
    everyone = np.ones(6, bool)

    most = allocation.compile_policy(believed(cells), everyone)
    least = allocation.compile_policy(believed(negative), everyone, minimise=True)

    assert most.probabilities.tobytes() == least.probabilities.tobytes()


def test_equal_weights_are_one_outcome() -> None:
    rate, shares = world(6)
    cells = value_worlds.simulate_outcomes(
        rate, shares, (2.0, 2.0), 4_000, np.random.default_rng(0)
    )

    two = drawn(believed(cells))
    one = drawn(
        believed(
            replace(
                cells,
                counts=cells.counts.sum(axis=1, keepdims=True),
                keys=("any",),
                weights=(2.0,),
            )
        )
    )

    assert two == pytest.approx(one)


@pytest.mark.parametrize(
    ("rate", "shares"),
    [
        pytest.param(0.0, (0.5, 0.3, 0.2), id="nobody"),
        pytest.param(1.0, (1.0, 0.0, 0.0), id="everybody the first"),
        pytest.param(0.5, (0.0, 0.0, 1.0), id="nobody but the last"),
    ],
)
def test_extreme_counts_give_finite_answers(
    rate: float, shares: tuple[float, ...]
) -> None:
    cells = value_worlds.simulate_outcomes(
        np.full(2, rate),
        np.array([shares, shares]),
        (10.0, 3.0, -1.0),
        300,
        np.random.default_rng(0),
    )

    belief, _ = outcomes.fit_outcome_reward(bandit_worlds.make_design((2,)), cells)

    draws = drawn(belief)
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
def test_outcomes_that_cannot_be_are_refused_by_field(
    changed: dict[str, object], field: str
) -> None:
    rate, shares = world(5)
    cells = value_worlds.simulate_outcomes(
        rate, shares, WEIGHTS, 400, np.random.default_rng(0)
    )

    with pytest.raises(ValueError, match=f"^{field}:"):
        fit.fit_reward(DESIGN, replace(cells, **changed))  # type: ignore[arg-type] # any
