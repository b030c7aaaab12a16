"""Changes of the world are detected and followed, without false alarms."""

import numpy as np
import pytest

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression import change_points
from models_app.bandit.regression.fit import fit_posterior
from tests.support import bandit_worlds

BEFORE, AFTER, USERS = 8, 8, 20_000


Changes = tuple[tuple[str, int], ...]


def _simulate_serving(seed: int, *, flip: bool) -> tuple[list[Changes], Floats]:
    """Return the changes detected and the final winner's traffic share, by day."""
    design, rng = bandit_worlds.make_design((3, 3, 2)), np.random.default_rng(seed)
    levels = design.variant_levels
    pair = (levels[:, 0] == 1) & (levels[:, 1] == 2)
    eta = 0.2 * (levels[:, 0] == 2) + 0.7 * pair + 0.1 * (levels[:, 2] == 1)
    later = eta - 1.4 * pair if flip else eta
    enabled = np.ones(design.variants, dtype=bool)
    table, days, detected, share = (
        allocation.build_uniform_table(1, enabled),
        [],
        [],
        [],
    )
    for day in range(BEFORE + AFTER):
        current = eta if day < BEFORE else later
        world = bandit_worlds.World(design, current[None], np.ones(1))
        days.append(bandit_worlds.simulate_day(world, -3.0, table, USERS, rng))
        fit = fit_posterior(design, bandit_worlds.build_cells(days))
        table = allocation.compile_policy(
            fit.posterior, enabled, draws=1000, seed=day
        ).probabilities
        detected.append(fit.info.changes)
        share.append(float(table[0, later > later.max() - 0.15].sum()))
    return detected, np.array(share)


def test_a_change_is_reported_in_a_note() -> None:
    posterior = fit_posterior(*_make_flipped_world()).posterior

    (note,) = posterior.notes
    assert note == "the effect of f0: f0.1 changed: re-estimated from day 6 on"


def test_a_change_moves_the_current_posterior() -> None:
    design, cells = _make_flipped_world()

    posterior = fit_posterior(design, cells).posterior

    rows = design.rows(np.arange(2), np.zeros(2, dtype=np.int64))
    contrast = rows[1] - rows[0]
    sd = np.sqrt(contrast @ posterior.covariance[1:, 1:] @ contrast)
    assert contrast @ posterior.mean[1:] == pytest.approx(-0.5, abs=3 * sd)
    assert sd < 0.03


def _make_flipped_world() -> tuple[Design, TrainingCells]:
    """Return ten days of two variants; the second is better until day 5, then worse."""
    design, even = bandit_worlds.make_design((2,)), np.full((1, 2), 0.5)
    rng, days = np.random.default_rng(0), []
    for day in range(10):
        eta = np.array([[0.0, 0.5 if day < 5 else -0.5]])
        world = bandit_worlds.World(design, eta, np.ones(1))
        days.append(bandit_worlds.simulate_day(world, -2.0, even, 40_000, rng))
    return design, bandit_worlds.build_cells(days)


def test_a_flip_of_the_winner_is_detected_and_the_new_one_gets_the_traffic() -> None:
    detected, share = _simulate_serving(1, flip=True)

    assert not any(detected[:BEFORE])
    names = {name for name, _ in detected[-1]}
    starts = [start for _, start in detected[-1]]
    assert any("f0.1" in name or "f1.2" in name for name in names)
    assert BEFORE in starts
    assert share[BEFORE - 1] < 0.1
    assert share[BEFORE + 4] > 0.5
    assert share[-1] > 0.9


def test_a_broken_context_is_one_change_and_no_change_of_variants() -> None:
    design, days = bandit_worlds.make_design((6,), (2,)), 20
    shape = days, design.context_cells, 6
    rate = np.full(shape, 0.05)
    rate[:-1, 1] = 0.002
    stratum, context, variant = np.indices(shape).reshape(3, -1)
    users = np.full(rate.size, 5_000.0)
    converted = np.random.default_rng(0).binomial(5_000, rate.ravel()).astype(float)
    cells = TrainingCells(
        stratum, np.arange(float(days)), variant, context, users, converted
    )

    posterior = fit_posterior(design, cells).posterior

    variants = np.arange(6)
    rows = design.rows(variants, np.ones_like(variants))
    eta = posterior.mean[0] + rows @ posterior.mean[1:]
    (note,) = posterior.notes
    assert "f0" not in note
    assert 1 / (1 + np.exp(-eta)) == pytest.approx(0.05, abs=0.01)


def test_more_changes_than_the_model_holds_give_no_extreme_predictions() -> None:
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
def test_a_world_without_changes_raises_no_alarm(seed: int) -> None:
    detected, share = _simulate_serving(seed, flip=False)

    assert detected == [()] * (BEFORE + AFTER)
    assert share[-1] > 0.9
