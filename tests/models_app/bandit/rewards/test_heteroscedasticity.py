"""Amounts that spread differently by variant or by context level, and those that grow."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data import value_cells
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards import heteroscedasticity, hurdle
from tests.models_app.bandit.rewards.test_hurdle import drawn
from tests.support import bandit_worlds, value_worlds
from tests.support.value_worlds import Shop

RUNS, RATE = 20, 0.05
MEANS = np.array([20.0, 23.0])


def spreading(sds: Sequence[float]) -> Shop:
    """Two variants of given log sds; the second earns 15% more."""
    sd = np.array(sds)

    def paid(rng: np.random.Generator, variant: int, payers: int) -> Floats:
        centre = np.log(MEANS[variant]) - sd[variant] ** 2 / 2
        return np.exp(rng.normal(centre, sd[variant], payers))

    return Shop(bandit_worlds.make_design((2,)), np.full(2, RATE), paid)


@pytest.mark.parametrize("sds", [(0.6, 1.0), (1.0, 0.6), (0.8, 0.8)])
def test_the_better_variant_is_not_lost_because_its_amounts_spread_otherwise(
    sds: tuple[float, float],
) -> None:
    world, truth = spreading(sds), RATE * MEANS
    covered, found = np.zeros((RUNS, 2)), np.zeros((RUNS, 2))
    for run in range(RUNS):
        cells = value_worlds.simulate_sales(
            world, 40_000, 4, np.random.default_rng([run, 8])
        )
        belief, _ = hurdle.fit_numeric_reward(world.design, cells)
        low, high = np.quantile(drawn(belief), [0.025, 0.975], axis=0)
        covered[run] = (low < truth) & (truth < high)
        found[run] = allocation.compile_policy(belief, np.ones(2, bool)).prob_best[0]

    assert covered.mean() > 0.95 - 3 * np.sqrt(0.95 * 0.05 / covered.size)
    assert found[:, 1].mean() > 0.9
    assert (found[:, 0] < 0.95).all()


def test_variances_that_look_alike_are_taken_for_one() -> None:
    design, rng = bandit_worlds.make_design((10,)), np.random.default_rng(0)
    payers = np.full(10, 500.0)
    where = np.arange(10), np.zeros(10, int)

    alike = heteroscedasticity.fit_variances(
        design, where, payers, rng.chisquare(payers), 1.0
    )
    one_wide = payers * np.where(np.arange(10) == 3, 2.0, 1.0)
    apart = heteroscedasticity.fit_variances(design, where, payers, one_wide, 1.1)

    assert np.abs(alike.variants.mean).max() < 0.02
    assert np.sqrt(alike.variants.variance).max() < 0.03
    assert apart.variants.mean[3] == pytest.approx(0.45, abs=0.06)
    assert np.delete(apart.variants.mean, 3) == pytest.approx([-0.05] * 9, abs=0.02)


def test_who_has_hardly_paid_has_the_common_variance_and_its_doubt() -> None:
    payers = np.array([2_000.0, 2_000.0, 1.0])
    where = np.arange(3), np.zeros(3, int)
    squares = payers * [0.4, 1.6, 9.0]

    found = heteroscedasticity.fit_variances(
        bandit_worlds.make_design((3,)), where, payers, squares, 1.0
    ).variants

    assert found.mean[:2] == pytest.approx([-0.3, 0.3], abs=0.02)
    assert abs(found.mean[2]) < 0.5
    assert found.variance[2] > 20 * found.variance[:2].max()


def test_a_context_level_with_wider_amounts_is_believed_in_its_own_mean() -> None:
    design = Design((Factor("f", ("a", "b")),), (Factor("c", ("desk", "phone")),))
    rng, sds = np.random.default_rng(4), (0.5, 1.0)
    cells = [
        _cell(stratum, variant, context, rng.normal(2.0, sds[context], 400))
        for stratum in range(3)
        for variant in range(2)
        for context in range(2)
    ]

    belief, _ = hurdle.fit_numeric_reward(design, _together(cells))

    (amount,) = belief.posteriors[1:]
    rows = design.rows(np.zeros(2, int), np.arange(2))
    level = amount.mean[0] + rows @ amount.mean[1:] + belief.smearing[0]
    assert level == pytest.approx([2.0 + sd**2 / 2 for sd in sds], abs=0.08)


def test_amounts_of_users_who_may_buy_again_wait_until_they_cannot() -> None:
    world = spreading((0.5, 0.5))
    cells = value_worlds.simulate_sales(world, 40_000, 4, np.random.default_rng(1))
    young = cells.stratum >= 2
    partial = replace(
        cells,
        maturity=np.where(young, 0.5, 1.0),
        value_sum=cells.value_sum * np.where(young, 0.3, 1.0),
        value_sum_squares=cells.value_sum_squares * np.where(young, 0.09, 1.0),
        log_sum=cells.log_sum + np.where(young, np.log(0.3), 0.0) * cells.successes,
    )

    known = value_cells.select_mature_cells(partial)
    none = value_cells.select_mature_cells(
        replace(partial, maturity=np.full(len(young), 0.5))
    )
    belief, _ = hurdle.fit_numeric_reward(world.design, partial)

    assert known.stratum.tolist() == [0, 0, 1, 1]
    assert len(none.stratum) == len(young)
    assert drawn(belief).mean(axis=0) == pytest.approx(RATE * MEANS, rel=0.15)
    assert hurdle.NOTE_AMOUNTS_MAY_GROW not in belief.notes


def test_before_anybody_is_past_the_horizon_people_are_told() -> None:
    world = spreading((0.5, 0.5))
    cells = value_worlds.simulate_sales(world, 20_000, 1, np.random.default_rng(1))

    belief, _ = hurdle.fit_numeric_reward(
        world.design, replace(cells, maturity=np.full(2, 0.9))
    )

    assert hurdle.NOTE_AMOUNTS_MAY_GROW in belief.notes


def test_refunds_of_the_mature_alone_do_not_stand_for_those_who_paid_since() -> None:
    rows = [(0, 0, 500, [-5.0]), (1, 0, 500, [20.0] * 30)]
    table = [
        (*place, *value_worlds.sum_amounts(np.array(paid))) for *place, paid in rows
    ]
    cells = value_worlds.build_amount_cells(np.array(table))

    young = replace(cells, maturity=np.array([1.0, 0.5]))
    belief, _ = hurdle.fit_numeric_reward(bandit_worlds.make_design((1,)), young)

    assert np.isfinite(drawn(belief)).all()
    assert drawn(belief).mean() > 0


def _cell(stratum: int, variant: int, context: int, logs: Floats) -> tuple[float, ...]:
    values = np.exp(logs)
    place = stratum, variant, context, 8_000
    return (*place, *value_worlds.sum_amounts(values))


def _together(cells: list[tuple[float, ...]]) -> AmountCells:
    table = np.array(cells)
    made = value_worlds.build_amount_cells(np.delete(table, 2, axis=1))
    return replace(made, context=table[:, 2].astype(np.int64))
