"""A change of the world is noticed and followed, and none is seen where none was."""

import numpy as np
import pytest

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design import level_contrasts
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression import change_points
from models_app.bandit.regression.fit import fit_posterior
from tests.support import bandit_worlds

BEFORE, AFTER, USERS = 8, 8, 20_000


def _run(seed: int, *, flip: bool) -> tuple[list[tuple[tuple[str, int], ...]], Floats]:
    """Changes noticed after each day, and the share served of the winner of the end."""
    design, rng = bandit_worlds.make_design((3, 3, 2)), np.random.default_rng(seed)
    levels = design.variant_levels
    pair = (levels[:, 0] == 1) & (levels[:, 1] == 2)
    eta = 0.2 * (levels[:, 0] == 2) + 0.7 * pair + 0.1 * (levels[:, 2] == 1)
    later = eta - 1.4 * pair if flip else eta
    enabled = np.ones(design.variants, dtype=bool)
    table, days, noticed, share = allocation.build_uniform_table(1, enabled), [], [], []
    for day in range(BEFORE + AFTER):
        now = eta if day < BEFORE else later
        world = bandit_worlds.World(design, now[None], np.ones(1))
        days.append(bandit_worlds.simulate_day(world, -3.0, table, USERS, rng))
        fit = fit_posterior(design, bandit_worlds.build_cells(days))
        table = allocation.compile_policy(
            fit.posterior, enabled, draws=1000, seed=day
        ).probabilities
        noticed.append(fit.info.changes)
        share.append(float(table[0, later > later.max() - 0.15].sum()))
    return noticed, np.array(share)


def test_a_change_is_told_in_words() -> None:
    posterior = fit_posterior(*_flipped()).posterior

    (note,) = posterior.notes
    assert note == "the effect of f0: f0.1 changed: learnt anew from day 6 on"


def test_a_change_moves_what_is_believed_now() -> None:
    design, cells = _flipped()

    posterior = fit_posterior(design, cells).posterior

    rows = design.rows(np.arange(2), np.zeros(2, dtype=np.int64))
    contrast = rows[1] - rows[0]
    sd = np.sqrt(contrast @ posterior.covariance[1:, 1:] @ contrast)
    assert contrast @ posterior.mean[1:] == pytest.approx(-0.5, abs=3 * sd)
    assert sd < 0.03


def _flipped() -> tuple[Design, TrainingCells]:
    """Two variants for ten days: the second was better, from day 6 on it is worse."""
    design, even = bandit_worlds.make_design((2,)), np.full((1, 2), 0.5)
    rng, days = np.random.default_rng(0), []
    for day in range(10):
        eta = np.array([[0.0, 0.5 if day < 5 else -0.5]])
        world = bandit_worlds.World(design, eta, np.ones(1))
        days.append(bandit_worlds.simulate_day(world, -2.0, even, 40_000, rng))
    return design, bandit_worlds.build_cells(days)


def test_a_winner_that_flips_is_noticed_and_the_new_one_takes_the_traffic() -> None:
    noticed, share = _run(1, flip=True)

    assert not any(noticed[:BEFORE])
    names = {name for name, _ in noticed[-1]}
    starts = [start for _, start in noticed[-1]]
    assert any("f0.1" in name or "f1.2" in name for name in names)
    assert BEFORE in starts
    assert share[BEFORE - 1] < 0.1
    assert share[BEFORE + 4] > 0.5
    assert share[-1] > 0.9


def test_a_context_that_breaks_is_one_change_and_none_of_its_variants() -> None:
    design, days = bandit_worlds.make_design((6,), (2,)), 20
    shape = days, design.segments, 6
    rate = np.full(shape, 0.05)
    rate[:-1, 1] = 0.002
    stratum, context, variant = np.indices(shape).reshape(3, -1)
    users = np.full(rate.size, 5_000.0)
    converted = np.random.default_rng(0).binomial(5_000, rate.ravel()).astype(float)
    cells = TrainingCells(
        stratum, np.arange(float(days)), variant, context, users, converted
    )

    posterior = fit_posterior(design, cells).posterior

    everyone = np.arange(6)
    rows = design.rows(everyone, np.ones_like(everyone))
    eta = posterior.mean[0] + rows @ posterior.mean[1:]
    (note,) = posterior.notes
    assert "f0" not in note
    assert 1 / (1 + np.exp(-eta)) == pytest.approx(0.05, abs=0.01)


def test_more_changes_than_the_model_holds_make_no_wild_predictions() -> None:
    design, days = bandit_worlds.make_design((12,)), 30
    rate = np.full((days, 1, 12), 0.05)
    rate[:-1, 0, :5:2] = 0.001
    rate[:-1, 0, 1:5:2] = 0.003
    users = np.full(rate.shape, 3_000.0)
    converted = np.random.default_rng(1).binomial(3_000, rate).astype(float)
    cells = bandit_worlds.build_cells(list(zip(users, converted, strict=True)))

    posterior = fit_posterior(design, cells).posterior

    rows = design.rows(np.arange(12), np.zeros(12, dtype=np.int64))
    eta = posterior.mean[0] + rows @ posterior.mean[1:]
    assert len(posterior.notes) <= change_points.MAX_CHANGES
    assert (1 / (1 + np.exp(-eta)) < 0.1).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_world_that_stays_raises_no_alarm(seed: int) -> None:
    noticed, share = _run(seed, flip=False)

    assert noticed == [()] * (BEFORE + AFTER)
    assert share[-1] > 0.9


@pytest.mark.parametrize(
    "design",
    [
        bandit_worlds.make_design((3, 4, 2), (2, 3)),
        bandit_worlds.make_design((1,)),
        bandit_worlds.make_design((2, 2)),
    ],
    ids=["crossed", "one variant", "two by two"],
)
def test_a_direction_moves_its_levels_by_one_against_all_others(design: Design) -> None:
    names, directions, shares = level_contrasts.build_level_contrasts(design)

    variant, context = np.divmod(
        np.arange(design.variants * design.segments), design.segments
    )
    moved = design.rows(variant, context) @ directions.T
    assert len(names) == len(set(names)) == len(directions)
    assert moved.mean(axis=0) == pytest.approx(np.zeros(len(names)))
    assert -moved.min(axis=0, initial=0) == pytest.approx(shares)
    above = np.where(moved > 0, moved, np.nan)
    if len(names):
        assert np.nanmax(above, axis=0) - moved.min(axis=0) == pytest.approx(1)
        assert ((np.abs(moved - moved.min(axis=0)) < 1e-9) | (moved > 0)).all()
