"""Rewards composed of parts: against the plain formula, in any chunking."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.design.design import Floats, Integers
from models_app.bandit.policy import allocation
from models_app.bandit.regression import fit
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import RewardModelKind, RewardPosterior
from tests.support import bandit_worlds


def part(
    sizes: tuple[int, ...], contexts: tuple[int, ...] = (), seed: int = 0
) -> Posterior:
    """A posterior with arbitrary mean and covariance."""
    design = bandit_worlds.make_design(sizes, contexts)
    rng = np.random.default_rng(seed)
    size = 1 + design.columns
    half = rng.normal(0, 0.3 / np.sqrt(size), (size, size))
    return Posterior(design, rng.normal(0, 0.3, size), half @ half.T)


def belief(
    kind: RewardModelKind,
    sizes: tuple[int, ...] = (3, 2),
    contexts: tuple[int, ...] = (2, 1),
) -> RewardPosterior:
    """A belief of any kind; outcomes have three weights."""
    count = {"chance": 1, "mean": 1, "hurdle": 2, "outcomes": 3}[kind]
    found = tuple(part(sizes, contexts, seed) for seed in range(count))
    names = tuple(f"part {index}" for index in range(count))
    weights = (5.0, 2.0, -1.0) if kind == "outcomes" else ()
    return RewardPosterior(kind, found, names, weights, smearing=(0.4, 0.05))


def written_out(chunk: reward_model.DrawChunk, levels: Integers) -> Floats:
    """Rewards [draws, V] by the formulas of docs/model.md, straight."""
    whole, design = chunk.belief, chunk.belief.design
    context = design.context_levels.tolist().index(levels.tolist())
    rows = design.rows(chunk.variants, np.full_like(chunk.variants, context))
    rows = np.insert(rows, 0, 1.0, axis=1)
    eta = [coefficients @ rows.T for coefficients in chunk.coefficients()]
    chances = [1 / (1 + np.exp(-each)) for each in eta]
    if whole.kind == "mean":
        return eta[0]
    if whole.kind == "chance":
        return chances[0]
    if whole.kind == "hurdle":
        smeared = 0.4 + 0.05 * chunk.smearing
        return np.asarray(chances[0] * np.exp(eta[1] + smeared[:, None]))
    any_, first, second = chances
    rest = (1 - first) * (second * 2.0 + (1 - second) * -1.0)
    return np.asarray(any_ * (first * 5.0 + rest))


@pytest.mark.parametrize("kind", ["chance", "mean", "hurdle", "outcomes"])
def test_rewards_are_those_of_the_formula_written_out(kind: RewardModelKind) -> None:
    whole = belief(kind)

    (chunk,) = reward_model.draw_chunks(whole, 50, 3, np.arange(6))

    for levels in whole.design.context_levels:
        table = chunk.table()
        reward = table.reward(levels)
        assert reward == pytest.approx(written_out(chunk, levels), rel=1e-10)


@pytest.mark.parametrize("kind", ["mean", "hurdle", "outcomes"])
def test_the_policy_serves_what_is_best_in_the_draws(kind: RewardModelKind) -> None:
    whole, everyone = belief(kind), np.ones(6, bool)

    most = allocation.compile_policy(
        whole, everyone, rule="thompson", exploration_share=0
    )
    least = allocation.compile_policy(whole, everyone, rule="thompson", minimise=True)

    chunks = list(reward_model.draw_chunks(whole, 4000, 0, np.arange(6)))
    levels = whole.design.context_levels[0]
    rows = np.concatenate([chunk.table().reward(levels) for chunk in chunks])
    best = np.bincount(rows.argmax(axis=1), minlength=6) / 4000
    worst = np.bincount(rows.argmin(axis=1), minlength=6) / 4000
    assert most.prob_best[0] == pytest.approx(best)
    assert least.prob_best[0] == pytest.approx(worst, abs=0.04)


def test_draws_depend_on_the_seed_and_not_on_the_chunks() -> None:
    everyone, levels = np.arange(6), np.zeros(2, dtype=np.int64)
    whole = belief("hurdle")

    few = (
        next(iter(reward_model.draw_chunks(whole, 16, 7, everyone)))
        .table()
        .reward(levels)
    )
    many = (
        next(iter(reward_model.draw_chunks(whole, 900, 7, everyone)))
        .table()
        .reward(levels)
    )
    other = (
        next(iter(reward_model.draw_chunks(whole, 16, 8, everyone)))
        .table()
        .reward(levels)
    )

    assert few == pytest.approx(many[:16], rel=1e-12)
    assert np.abs(few - other).max() > 1e-3


def test_bias_widens_every_part_of_the_reward() -> None:
    whole, everyone = belief("outcomes"), np.ones(6, bool)

    plain = allocation.compile_policy(whole, everyone, rule="thompson")
    biased = allocation.compile_policy(
        whole, everyone, rule="thompson", bias={"f0": 20.0}
    )

    assert biased.prob_best.max() < plain.prob_best.max()
    with pytest.raises(ValueError, match="bias: nothing"):
        allocation.compile_policy(whole, everyone, bias={"nothing": 1.0})


def test_effects_beyond_all_numbers_keep_rewards_finite() -> None:
    design = bandit_worlds.make_design((2,), (1, 1))
    size = 1 + design.columns
    wild = Posterior(design, np.full(size, 800.0), np.eye(size))

    whole = RewardPosterior(
        "outcomes", (wild, wild), ("any", "first"), weights=(2.0, 1.0)
    )
    (chunk,) = reward_model.draw_chunks(whole, 20, 0, np.arange(2))

    for levels in design.context_levels:
        assert np.isfinite(chunk.table().reward(levels)).all()


def test_a_large_table_of_amounts_is_compiled_in_bounded_memory() -> None:
    whole = belief("hurdle", (10, 10), (18, 23))
    everyone = np.ones(100, bool)

    tracemalloc.start()
    allocation.compile_policy(whole, everyone, draws=40)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 300e6


def test_bool_rewards_are_learnt_to_the_figure_as_ever() -> None:
    rng = np.random.default_rng(0)
    world = bandit_worlds.draw_from_prior(
        bandit_worlds.make_design((3, 2)), np.random.default_rng(1)
    )
    world = replace(world, eta=np.array([[-0.26, -0.24, 0.0, 0.0, 0.28, 0.23]]))
    even = np.full(world.eta.shape, 1 / 6)
    days = [bandit_worlds.simulate_day(world, -2.0, even, 5_000, rng) for _ in range(4)]

    learnt = fit.fit_posterior(world.design, bandit_worlds.build_cells(days)).posterior
    table = allocation.compile_policy(
        learnt, np.ones(6, bool), rule="thompson"
    ).probabilities

    golden = [-2.0423964752377253, -0.2265007884001123, -0.34407314193732]
    assert learnt.mean[:3] == pytest.approx(golden, rel=1e-9)
    assert table[0, 4:] == pytest.approx([0.7639666666666667, 0.2293666666666667])
