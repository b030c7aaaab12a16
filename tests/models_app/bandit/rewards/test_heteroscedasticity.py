"""Amounts whose variance depends on variant or context level, and immature amounts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data import value_cells
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards import heteroscedasticity, hurdle
from tests.support import bandit_worlds, value_worlds
from tests.support.reward_posteriors import draw_rewards
from tests.support.value_worlds import Shop

RUNS, RATE = 20, 0.05
MEANS = np.array([20.0, 23.0])


def make_two_variant_shop(sds: Sequence[float]) -> Shop:
    """Return two variants with these sds of log amounts; the second earns 15% more."""
    sd = np.array(sds)

    def draw_amounts(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        center = np.log(MEANS[variant]) - sd[variant] ** 2 / 2
        return np.exp(rng.normal(center, sd[variant], payers))

    return Shop(bandit_worlds.make_design((2,)), np.full(2, RATE), draw_amounts)


@pytest.mark.parametrize("sds", [(0.6, 1.0), (1.0, 0.6), (0.8, 0.8)])
def test_the_better_variant_is_found_whatever_the_variance_of_its_amounts(
    sds: tuple[float, float],
) -> None:
    shop, truth = make_two_variant_shop(sds), RATE * MEANS
    covered, prob_best = np.zeros((RUNS, 2)), np.zeros((RUNS, 2))
    for run in range(RUNS):
        cells = value_worlds.simulate_sales(
            shop, 40_000, 4, np.random.default_rng([run, 8])
        )
        posterior, _ = hurdle.fit_numeric_reward(shop.design, cells)
        low, high = np.quantile(draw_rewards(posterior), [0.025, 0.975], axis=0)
        covered[run] = (low < truth) & (truth < high)
        compiled_policy = allocation.compile_policy(posterior, np.ones(2, bool))
        prob_best[run] = compiled_policy.prob_best[0]

    assert covered.mean() > 0.95 - 3 * np.sqrt(0.95 * 0.05 / covered.size)
    assert prob_best[:, 1].mean() > 0.9
    assert (prob_best[:, 0] < 0.95).all()


def test_similar_variances_are_shrunk_to_the_common_one() -> None:
    design, rng = bandit_worlds.make_design((10,)), np.random.default_rng(0)
    payers = np.full(10, 500.0)
    indices = np.arange(10), np.zeros(10, int)

    similar = heteroscedasticity.fit_variances(
        design, indices, payers, rng.chisquare(payers), 1.0
    ).variants
    one_wide = payers * np.where(np.arange(10) == 3, 2.0, 1.0)
    different = heteroscedasticity.fit_variances(
        design, indices, payers, one_wide, 1.1
    ).variants

    assert np.abs(similar.mean).max() < 0.02
    assert np.sqrt(similar.variance).max() < 0.03
    assert different.mean[3] == pytest.approx(0.45, abs=0.06)
    assert np.delete(different.mean, 3) == pytest.approx([-0.05] * 9, abs=0.02)


def test_a_variant_with_one_payer_has_an_uncertain_variance() -> None:
    payers = np.array([2_000.0, 2_000.0, 1.0])
    indices = np.arange(3), np.zeros(3, int)
    squares = payers * [0.4, 1.6, 9.0]

    excess = heteroscedasticity.fit_variances(
        bandit_worlds.make_design((3,)), indices, payers, squares, 1.0
    ).variants

    assert excess.mean[:2] == pytest.approx([-0.3, 0.3], abs=0.02)
    assert abs(excess.mean[2]) < 0.5
    assert excess.variance[2] > 20 * excess.variance[:2].max()


def test_a_context_level_with_wider_amounts_gets_its_own_mean() -> None:
    design = Design((Factor("f", ("a", "b")),), (Factor("c", ("desk", "phone")),))
    rng, sds = np.random.default_rng(4), (0.5, 1.0)
    cells = [
        _build_cell(stratum, variant, context, rng.normal(2.0, sds[context], 400))
        for stratum in range(3)
        for variant in range(2)
        for context in range(2)
    ]

    posterior, _ = hurdle.fit_numeric_reward(design, _combine_cells(cells))

    (amount,) = posterior.posteriors[1:]
    rows = design.rows(np.zeros(2, int), np.arange(2))
    level = amount.mean[0] + rows @ amount.mean[1:] + posterior.smearing[0]
    assert level == pytest.approx([2.0 + sd**2 / 2 for sd in sds], abs=0.08)


def test_amounts_are_learned_from_mature_users_only() -> None:
    shop = make_two_variant_shop((0.5, 0.5))
    cells = value_worlds.simulate_sales(shop, 40_000, 4, np.random.default_rng(1))
    immature = cells.stratum >= 2
    partial = replace(
        cells,
        maturity=np.where(immature, 0.5, 1.0),
        value_sum=cells.value_sum * np.where(immature, 0.3, 1.0),
        value_sum_squares=cells.value_sum_squares * np.where(immature, 0.09, 1.0),
        log_sum=cells.log_sum + np.where(immature, np.log(0.3), 0.0) * cells.successes,
    )

    some_mature = value_cells.select_mature_cells(partial)
    none_mature = value_cells.select_mature_cells(
        replace(partial, maturity=np.full(len(immature), 0.5))
    )
    posterior, _ = hurdle.fit_numeric_reward(shop.design, partial)

    assert some_mature.stratum.tolist() == [0, 0, 1, 1]
    assert len(none_mature.stratum) == len(immature)
    assert draw_rewards(posterior).mean(axis=0) == pytest.approx(RATE * MEANS, rel=0.15)
    assert hurdle.NOTE_AMOUNTS_MAY_GROW not in posterior.notes


def test_before_any_user_is_past_the_horizon_a_note_says_so() -> None:
    shop = make_two_variant_shop((0.5, 0.5))
    cells = value_worlds.simulate_sales(shop, 20_000, 1, np.random.default_rng(1))

    posterior, _ = hurdle.fit_numeric_reward(
        shop.design, replace(cells, maturity=np.full(2, 0.9))
    )

    assert hurdle.NOTE_AMOUNTS_MAY_GROW in posterior.notes


def test_before_any_mature_user_has_paid_immature_amounts_count() -> None:
    rows = [(0, 0, 500, [-5.0]), (1, 0, 500, [20.0] * 30)]
    table = [
        (*place, *value_worlds.sum_amounts(np.array(amounts)))
        for *place, amounts in rows
    ]
    cells = value_worlds.build_amount_cells(np.array(table))

    partial = replace(cells, maturity=np.array([1.0, 0.5]))
    posterior, _ = hurdle.fit_numeric_reward(bandit_worlds.make_design((1,)), partial)

    assert np.isfinite(draw_rewards(posterior)).all()
    assert draw_rewards(posterior).mean() > 0


def _build_cell(
    stratum: int, variant: int, context: int, logs: Floats
) -> tuple[float, ...]:
    amounts = value_worlds.sum_amounts(np.exp(logs))
    return stratum, variant, context, 8_000, *amounts


def _combine_cells(rows: list[tuple[float, ...]]) -> AmountCells:
    table = np.array(rows)
    cells = value_worlds.build_amount_cells(np.delete(table, 2, axis=1))
    return replace(cells, context=table[:, 2].astype(np.int64))
