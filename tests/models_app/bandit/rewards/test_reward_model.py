"""Rewards made of parts: against the plain formula, and in chunks of any size."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.design.design import Floats, Integers
from models_app.bandit.policy import allocation
from models_app.bandit.regression import fit
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import (
    DrawChunk,
    RewardModelKind,
    RewardPosterior,
)
from tests.support import bandit_worlds
from tests.support.reward_posteriors import make_reward_posterior


def compute_rewards(chunk: DrawChunk, levels: Integers) -> Floats:
    """Return rewards [draws, V] of all variants by the formulas of docs/model.md."""
    kind, design = chunk.posterior.kind, chunk.posterior.design
    context = design.context_levels.tolist().index(levels.tolist())
    variants = np.arange(design.variants)
    rows = design.rows(variants, np.full_like(variants, context))
    rows = np.insert(rows, 0, 1.0, axis=1)
    etas = [coefficients @ rows.T for coefficients in chunk.coefficients()]
    chances = [1 / (1 + np.exp(-eta)) for eta in etas]
    if kind == "mean":
        return etas[0]
    if kind == "chance":
        return chances[0]
    if kind == "hurdle":
        log_smearing = 0.4 + 0.05 * chunk.smearing
        return np.asarray(chances[0] * np.exp(etas[1] + log_smearing[:, None]))
    any_, first, second = chances
    rest = (1 - first) * (second * 2.0 + (1 - second) * -1.0)
    return np.asarray(any_ * (first * 5.0 + rest))


@pytest.mark.parametrize("kind", ["chance", "mean", "hurdle", "outcomes"])
def test_rewards_agree_with_the_plain_formula(kind: RewardModelKind) -> None:
    posterior = make_reward_posterior(kind)

    (chunk,) = reward_model.draw_chunks(posterior, 50, 3, np.arange(6))

    for levels in posterior.design.context_levels:
        table = chunk.build_table()
        reward = table.compute_reward(levels)
        assert reward == pytest.approx(compute_rewards(chunk, levels), rel=1e-10)


@pytest.mark.parametrize("kind", ["mean", "hurdle", "outcomes"])
def test_prob_best_is_the_share_of_draws_won(kind: RewardModelKind) -> None:
    posterior, enabled = make_reward_posterior(kind), np.ones(6, bool)

    maximized = allocation.compile_policy(
        posterior, enabled, rule="thompson", exploration_share=0
    )
    minimized = allocation.compile_policy(
        posterior, enabled, rule="thompson", minimize=True
    )

    chunks = list(reward_model.draw_chunks(posterior, 4000, 0, np.arange(6)))
    levels = posterior.design.context_levels[0]
    rows = np.concatenate(
        [chunk.build_table().compute_reward(levels) for chunk in chunks]
    )
    best = np.bincount(rows.argmax(axis=1), minlength=6) / 4000
    worst = np.bincount(rows.argmin(axis=1), minlength=6) / 4000
    assert maximized.prob_best[0] == pytest.approx(best)
    assert minimized.prob_best[0] == pytest.approx(worst, abs=0.04)


def test_draws_depend_on_the_seed_and_not_on_the_chunks() -> None:
    posterior = make_reward_posterior("hurdle")

    def draw_first_chunk(draws: int, seed: int) -> Floats:
        chunks = reward_model.draw_chunks(posterior, draws, seed, np.arange(6))
        return next(chunks).build_table().compute_reward(np.zeros(2, dtype=np.int64))

    few, many = draw_first_chunk(16, 7), draw_first_chunk(900, 7)
    other_seed = draw_first_chunk(16, 8)

    assert few == pytest.approx(many[:16], rel=1e-12)
    assert np.abs(few - other_seed).max() > 1e-3


def test_bias_widens_every_part_of_the_reward() -> None:
    posterior, enabled = make_reward_posterior("outcomes"), np.ones(6, bool)

    plain = allocation.compile_policy(posterior, enabled, rule="thompson")
    biased = allocation.compile_policy(
        posterior, enabled, rule="thompson", bias={"f0": 20.0}
    )

    assert biased.prob_best.max() < plain.prob_best.max()
    with pytest.raises(ValueError, match="bias: nothing"):
        allocation.compile_policy(posterior, enabled, bias={"nothing": 1.0})


def test_huge_effects_keep_rewards_finite() -> None:
    design = bandit_worlds.make_design((2,), (1, 1))
    size = 1 + design.columns
    part = Posterior(design, np.full(size, 800.0), np.eye(size))

    posterior = RewardPosterior(
        "outcomes", (part, part), ("any", "first"), weights=(2.0, 1.0)
    )
    (chunk,) = reward_model.draw_chunks(posterior, 20, 0, np.arange(2))

    for levels in design.context_levels:
        assert np.isfinite(chunk.build_table().compute_reward(levels)).all()


def test_a_large_table_of_amounts_is_compiled_in_bounded_memory() -> None:
    posterior = make_reward_posterior("hurdle", (10, 10), (18, 23))
    enabled = np.ones(100, bool)

    tracemalloc.start()
    allocation.compile_policy(posterior, enabled, draws=40)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 300e6


def test_bool_rewards_give_the_same_figures_as_before() -> None:
    rng = np.random.default_rng(0)
    world = bandit_worlds.draw_from_prior(
        bandit_worlds.make_design((3, 2)), np.random.default_rng(1)
    )
    world = replace(world, eta=np.array([[-0.26, -0.24, 0.0, 0.0, 0.28, 0.23]]))
    even = np.full(world.eta.shape, 1 / 6)
    days = [bandit_worlds.simulate_day(world, -2.0, even, 5_000, rng) for _ in range(4)]

    learned = fit.fit_posterior(world.design, bandit_worlds.build_cells(days)).posterior
    table = allocation.compile_policy(
        learned, np.ones(6, bool), rule="thompson"
    ).probabilities

    golden = [-2.0423964752377253, -0.2265007884001123, -0.34407314193732]
    assert learned.mean[:3] == pytest.approx(golden, rel=1e-9)
    assert table[0, 4:] == pytest.approx([0.7639666666666667, 0.2293666666666667])
