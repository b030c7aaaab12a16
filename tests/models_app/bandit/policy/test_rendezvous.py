"""The draw by weighted rendezvous: exact probabilities, and who moves."""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from models_app.bandit.policy import rendezvous
from models_app.bandit.policy.rendezvous import Seed
from tests.support.reference_draw import draw_number

VECTORS = json.loads(Path("docs/policy-vectors.json").read_text())["rendezvous"]
ID = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"
USERS = 200_000
FOUR = [0.1, 0.2, 0.3, 0.4]
ROWS = {
    "even": [0.25] * 4,
    "ascending": FOUR,
    "a leader with exploration": [0.9925, 0.0025, 0.0025, 0.0025],
    "a barred variant": [0.3, 0.0, 0.7],
    "twenty": [(n + 1) / 210 for n in range(20)],
}


def compute_seeds(count: int, redraw: int = 0) -> list[Seed]:
    """Return the seeds of the first `count` users."""
    return [rendezvous.compute_seed(ID, f"user-{n}", redraw) for n in range(count)]


def draw_all(weights: list[float], seeds: list[Seed]) -> list[int]:
    """Return the 0-based variant of every seed."""
    row = rendezvous.prepare_row(weights)
    return [rendezvous.draw_from_row(row, seed) for seed in seeds]


def test_the_golden_vectors() -> None:
    for draw in VECTORS["draws"]:
        ids = draw["optimization_id"], draw["anonymous_id"], draw["redraw"]
        seed = rendezvous.compute_seed(*ids)

        numbers = [rendezvous.draw_index(row, seed) + 1 for row in VECTORS["rows"]]

        assert list(seed) == draw["seed"]
        assert rendezvous.compute_uniforms(seed, 4) == draw["uniforms"]
        assert numbers == draw["variant_numbers"]


words = st.integers(0, 2**32 - 1)


@given(
    st.lists(st.just(0.0) | st.floats(1e-12, 1), min_size=1, max_size=100).filter(any),
    st.tuples(words, words),
)
def test_all_lanes_at_once_draw_as_one_variant_after_the_other(
    weights: list[float], seed: Seed
) -> None:
    assert rendezvous.draw_index(weights, seed) + 1 == draw_number(weights, seed)


@pytest.mark.parametrize("name", ROWS)
def test_every_variant_is_drawn_with_its_probability(name: str) -> None:
    weights = ROWS[name]

    drawn = Counter(draw_all(weights, compute_seeds(USERS)))

    served = [index for index, weight in enumerate(weights) if weight > 0]
    observed = [drawn[index] for index in served]
    expected = [weights[index] * USERS for index in served]
    assert set(drawn) <= set(served)
    assert stats.chisquare(observed, expected).pvalue > 0.001


@pytest.mark.parametrize("barred", [0, 3])
def test_a_redraw_is_exact_given_the_variant_that_won_before(barred: int) -> None:
    after = [weight if index != barred else 0.0 for index, weight in enumerate(FOUR)]
    after = [weight / sum(after) for weight in after]
    first = draw_all(FOUR, compute_seeds(USERS))
    users = [user for user, index in enumerate(first) if index == barred]

    for redraw in (1, 2):
        row = rendezvous.prepare_row(after)
        drawn = Counter(
            rendezvous.draw_from_row(
                row, rendezvous.compute_seed(ID, f"user-{user}", redraw)
            )
            for user in users
        )
        served = [index for index, weight in enumerate(after) if weight > 0]
        expected = [after[index] * len(users) for index in served]
        observed = [drawn[index] for index in served]
        assert stats.chisquare(observed, expected).pvalue > 0.001


def test_old_uniforms_would_make_a_redraw_under_new_weights_inexact() -> None:
    """Why a redraw has a seed of its own: the losers' uniforms are conditioned."""
    seeds = compute_seeds(USERS)
    first = draw_all(FOUR, seeds)
    users = [seed for seed, index in zip(seeds, first, strict=True) if index == 3]
    after = [0.6, 0.3, 0.1, 0.0]

    drawn = Counter(draw_all(after, users))

    observed = [drawn[index] for index in range(3)]
    expected = [weight * len(users) for weight in after[:3]]
    assert stats.chisquare(observed, expected).pvalue < 1e-6


@given(st.integers(0, 3), st.lists(st.tuples(words, words), min_size=20, max_size=20))
def test_a_barred_variant_moves_its_own_users_only(
    barred: int, seeds: list[Seed]
) -> None:
    after = [weight if index != barred else 0.0 for index, weight in enumerate(FOUR)]

    for before, now in zip(draw_all(FOUR, seeds), draw_all(after, seeds), strict=True):
        assert (now == before) is (before != barred)


def test_a_new_variant_takes_only_its_share() -> None:
    seeds = compute_seeds(USERS)
    share = 0.2
    grown = [*(weight * (1 - share) for weight in FOUR), share]

    before, after = draw_all(FOUR, seeds), draw_all(grown, seeds)

    moved = [now for was, now in zip(before, after, strict=True) if was != now]
    assert set(moved) == {4}
    assert len(moved) / USERS == pytest.approx(share, abs=0.004)


@pytest.mark.parametrize("variants", [2, 4, 20])
@pytest.mark.parametrize("spread", [0.05, 0.5])
def test_at_most_twice_the_total_variation_distance_moves(
    variants: int, spread: float
) -> None:
    rng = np.random.default_rng(variants)
    before = rng.dirichlet(np.ones(variants))
    after = before * np.exp(rng.normal(0, spread, variants))
    after /= after.sum()
    distance = np.abs(before - after).sum() / 2
    count = 50_000
    seeds = compute_seeds(count)

    pairs = zip(
        draw_all(before.tolist(), seeds), draw_all(after.tolist(), seeds), strict=True
    )

    share = sum(was != now for was, now in pairs) / count
    noise = 3 * math.sqrt(share / count)
    assert distance - noise <= share <= 2 * distance + noise


def test_an_unchanged_row_moves_nobody() -> None:
    seeds = compute_seeds(5_000)

    assert draw_all(FOUR, seeds) == draw_all(list(FOUR), seeds)


def test_the_lowest_number_wins_a_tie() -> None:
    # Equal uniforms are too rare to find. Infinite weights make equal times: 0.
    tied = [0.5, math.inf, math.inf]

    assert {rendezvous.draw_index(tied, seed) for seed in compute_seeds(100)} == {1}


def test_a_row_without_a_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one weight"):
        rendezvous.prepare_row([0.0, 0.0])


def test_an_only_variant_always_wins() -> None:
    assert {rendezvous.draw_index([0.0, 1.0], seed) for seed in compute_seeds(50)} == {
        1
    }
