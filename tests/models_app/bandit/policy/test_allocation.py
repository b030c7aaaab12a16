"""The allocation table, and draws from it."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression.posterior import Posterior
from tests.support import bandit_worlds

VECTORS = Path("docs/policy-vectors.json")


def make_posterior(
    sizes: tuple[int, ...], contexts: tuple[int, ...] = (), seed: int = 0
) -> Posterior:
    """Return a posterior with arbitrary mean and covariance."""
    design = bandit_worlds.make_design(sizes, contexts)
    rng = np.random.default_rng(seed)
    size = 1 + design.columns
    half = rng.normal(0, 0.1, (size, size))
    return Posterior(design, rng.normal(0, 0.2, size), half @ half.T)


designs = st.sampled_from([((2,), ()), ((3, 2), ()), ((2, 2), (2,)), ((4,), (1, 2))])
rules: st.SearchStrategy[allocation.AllocationRule] = st.sampled_from(
    ["default", "thompson", "uniform"]
)


@settings(max_examples=60, deadline=None)
@given(designs, rules, st.floats(0, 0.2), st.integers(0, 10**6), st.data())
def test_rows_sum_to_one_and_enabled_variants_get_exploration(
    sizes: tuple[tuple[int, ...], tuple[int, ...]],
    rule: allocation.AllocationRule,
    exploration_share: float,
    seed: int,
    data: st.DataObject,
) -> None:
    posterior = make_posterior(*sizes, seed=seed)
    count = posterior.design.variants
    some = st.lists(st.booleans(), min_size=count, max_size=count).filter(any)
    enabled = np.array(data.draw(some))

    compiled_policy = allocation.compile_policy(
        posterior,
        enabled,
        rule=rule,
        exploration_share=exploration_share,
        draws=200,
        seed=seed,
    )

    floor = exploration_share / enabled.sum() * (1 - 1e-12)
    assert np.abs(compiled_policy.probabilities.sum(axis=1) - 1).max() < 1e-12
    assert np.abs(compiled_policy.prob_best.sum(axis=1) - 1).max() < 1e-12
    assert (compiled_policy.probabilities[:, enabled] >= floor).all()
    assert (compiled_policy.probabilities[:, ~enabled] == 0).all()
    assert (compiled_policy.prob_best[:, ~enabled] == 0).all()


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_thompson_keeps_the_order_of_prob_best(seed: int) -> None:
    posterior = make_posterior((3, 2), seed=seed)

    compiled_policy = allocation.compile_policy(
        posterior, np.ones(6, bool), rule="thompson", exploration_share=0.2, draws=200
    )

    order = np.argsort(compiled_policy.prob_best[0], kind="stable")
    assert (np.diff(compiled_policy.probabilities[0][order]) >= -1e-15).all()


def test_prob_best_of_two_variants_is_that_of_their_normal_difference() -> None:
    design = bandit_worlds.make_design((2,))
    mean, sd = 0.3, 0.4
    posterior = Posterior(design, np.array([-2.0, mean]), np.diag([0.1, sd**2]))

    compiled_policy = allocation.compile_policy(
        posterior, np.ones(2, bool), rule="thompson", exploration_share=0, draws=100_000
    )

    first = 0.5 * (1 + math.erf(mean / sd / math.sqrt(2)))
    assert compiled_policy.prob_best[0, 0] == pytest.approx(first, abs=0.006)
    assert compiled_policy.probabilities.tolist() == compiled_policy.prob_best.tolist()


def test_the_default_rule_allocates_by_the_square_of_prob_best() -> None:
    posterior = make_posterior((3, 2), (2,), seed=4)
    enabled = np.ones(6, dtype=bool)

    compiled_policy = allocation.compile_policy(
        posterior, enabled, exploration_share=0.0, seed=3
    )

    square = compiled_policy.prob_best**2
    expected = square / square.sum(axis=1, keepdims=True)
    assert compiled_policy.probabilities == pytest.approx(expected)
    assert compiled_policy.prob_best.sum(axis=1) == pytest.approx(1)


def test_the_default_rule_favors_the_leader_more_than_thompson() -> None:
    posterior = Posterior(
        bandit_worlds.make_design((2,)), np.array([0.0, 0.3]), np.eye(2) * 0.1
    )
    enabled = np.ones(2, bool)

    default = allocation.compile_policy(posterior, enabled)
    thompson = allocation.compile_policy(posterior, enabled, rule="thompson")

    assert default.probabilities[0, 0] > thompson.probabilities[0, 0] > 0.5
    assert default.prob_best.tolist() == thompson.prob_best.tolist()


def test_bias_widens_only_its_own_factor() -> None:
    design = bandit_worlds.make_design((2, 2))
    mean = np.array([0.0, 0.4, 0.4, 0.0])
    posterior = Posterior(design, mean, np.diag([0.01, 0.01, 0.01, 1e-8]))
    enabled = np.ones(4, bool)

    plain = allocation.compile_policy(posterior, enabled, rule="thompson")
    biased = allocation.compile_policy(
        posterior, enabled, rule="thompson", bias={"f0": 20.0}
    )

    def share_of_worse_level(
        compiled_policy: allocation.CompiledPolicy, factor: int
    ) -> float:
        worse = design.variant_levels[:, factor] == 1
        return float(compiled_policy.prob_best[0, worse].sum())

    assert share_of_worse_level(plain, 0) < 0.01
    assert share_of_worse_level(biased, 0) > 0.3
    assert share_of_worse_level(biased, 1) < 0.01


def test_tables_are_the_same_bytes_for_the_same_seed_only() -> None:
    posterior = make_posterior((3, 2), (2,))
    enabled = np.ones(6, bool)

    tables = [
        allocation.compile_policy(posterior, enabled, seed=seed) for seed in (1, 1, 2)
    ]

    first, again, other = (table.probabilities.tobytes() for table in tables)
    assert first == again != other


def test_a_large_table_is_compiled_in_bounded_memory() -> None:
    posterior = make_posterior((10, 10), (42, 43))

    compiled_policy = allocation.compile_policy(posterior, np.ones(100, bool), draws=40)

    assert compiled_policy.probabilities.shape == (44 * 45, 100)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"enabled": np.zeros(2, bool)}, "enabled"),
        ({"enabled": np.ones(3, bool)}, "enabled"),
        ({"enabled": np.ones(2)}, "enabled"),
        ({"rule": "greedy"}, "rule"),
        ({"exploration_share": 1.5}, "exploration_share"),
        ({"exploration_share": float("nan")}, "exploration_share"),
        ({"draws": 0}, "draws"),
        ({"bias": {"nothing": 1.0}}, "bias: nothing"),
        ({"bias": {"f0": float("inf")}}, "bias: f0"),
    ],
)
def test_arguments_out_of_range_are_rejected_by_name(
    arguments: dict[str, Any], field: str
) -> None:
    arguments = {"enabled": np.ones(2, bool), **arguments}

    with pytest.raises(ValueError, match=field):
        allocation.compile_policy(make_posterior((2,)), **arguments)


def test_published_draws_are_reproduced_exactly() -> None:
    vectors = json.loads(VECTORS.read_text())

    for row in vectors["cumulative"]["rows"]:
        cumulative = allocation.accumulate_probabilities(np.array(row["probabilities"]))
        assert cumulative.tolist() == row["cumulative"]
        for draw in row["draws"]:
            ids = draw["optimization_id"], draw["anonymous_id"]
            u = allocation.hash_to_uniform(*ids, draw["policy_version"])
            assert u == draw["u"]
            variant = allocation.choose_variant(cumulative, u)
            assert variant + 1 == draw["variant_number"]


@given(
    st.lists(st.sampled_from([0.0, 1e-9, 0.1, 0.3, 1.0]), min_size=1, max_size=9),
    st.floats(0, 1, exclude_max=True),
)
def test_a_variant_without_probability_is_never_drawn(
    weights: list[float], u: float
) -> None:
    if not any(weights):
        weights = [*weights, 1.0]
    probabilities = np.array(weights) / sum(weights)

    cumulative = allocation.accumulate_probabilities(probabilities)

    edges = [u, *(edge for edge in cumulative if edge < 1), math.nextafter(1.0, 0.0)]
    assert all(
        probabilities[allocation.choose_variant(cumulative, edge)] > 0 for edge in edges
    )


def test_draws_follow_the_probabilities() -> None:
    probabilities: Floats = np.array([0.1, 0.0, 0.6, 0.3])
    cumulative = allocation.accumulate_probabilities(probabilities)

    numbers = [allocation.hash_to_uniform("opt", f"user-{i}", 3) for i in range(20_000)]

    variants = [allocation.choose_variant(cumulative, u) for u in numbers]
    shares = np.bincount(variants, minlength=4) / 20_000
    assert np.abs(shares - probabilities).max() < 4 * math.sqrt(0.25 / 20_000)
