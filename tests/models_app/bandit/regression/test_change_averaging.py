"""Changes that are suspected are averaged over: as if fitted, by as much as is likely."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.design import level_contrasts
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import (
    change_averaging,
    change_points,
    fit,
    newton,
    prior_averaging,
    prior_scales,
    score_test,
)
from models_app.bandit.regression.change_points import ChangePoint, SuspectedChanges
from models_app.bandit.regression.likelihood import (
    Noise,
    RegressionSystem,
    arrange_cells,
    compute_slopes,
)
from models_app.bandit.regression.newton import Mode, SearchPoint
from models_app.bandit.regression.posterior import Posterior
from tests.support import bandit_worlds

START = 7


def test_the_score_of_a_change_is_the_coefficient_that_a_fit_would_give_it() -> None:
    design, system, mode, change = _normal_world()
    refit, state = _with(design, system, change)
    size = state.theta[-1] + refit.solved.step[-1]

    scores = _suspected(design, system, mode, change).scores

    assert scores.size == pytest.approx([size])
    assert scores.variance == pytest.approx([refit.solved.covariance()[-1, -1]])
    assert abs(size) > 3 * scores.variance[0] ** 0.5


def test_a_certain_suspect_is_believed_like_a_change_in_the_model() -> None:
    design, system, mode, change = _normal_world()
    refit, state = _with(design, system, change)
    extended = change_points.add_changes(system, design, (change,))
    fitted = _point(extended, state)
    k, q = system.curve.shape[1], design.columns
    known = Posterior(design, _point(system, mode.state), np.eye(1 + q))
    known.covariance[1:, 1:] = mode.solved.covariance()[k : k + q, k : k + q]

    doubted = change_averaging.average_over_changes(
        known, system, _suspected(design, system, mode, change)
    )

    spread = refit.solved.covariance()
    whole = np.concatenate([np.eye(q), change.direction[:, None]], axis=1)
    wanted = whole @ spread[k:, k:] @ whole.T
    assert doubted.mean == pytest.approx(fitted, abs=1e-9)
    assert doubted.covariance[1:, 1:] == pytest.approx(wanted, abs=1e-12)


def test_a_suspect_in_doubt_gives_the_moments_of_the_mixture() -> None:
    design, system, mode, change = _normal_world()
    suspects = _suspected(design, system, mode, change)
    even = _suspected(design, system, mode, change, evidence=np.log(3.0))
    known = Posterior(design, _point(system, mode.state), np.eye(1 + design.columns))
    sure = change_averaging.average_over_changes(known, system, suspects)

    doubted = change_averaging.average_over_changes(known, system, even)

    (chance,) = even.chances
    off = sure.mean - known.mean
    within = (1 - chance) * known.covariance + chance * sure.covariance
    between = chance * (1 - chance) * np.outer(off, off)
    assert 0 < chance < 0.5
    assert doubted.mean == pytest.approx(known.mean + chance * off)
    assert doubted.covariance == pytest.approx(within + between)


def test_chances_rest_on_the_time_since_a_start_and_add_up_with_that_of_none() -> None:
    design, system, mode, change = _normal_world()
    silent = _suspected(design, system, mode, change, evidence=0.0)
    starts = silent.strata
    every = replace(
        silent,
        changes=tuple(replace(change, start=int(start)) for start in starts),
        scores=replace(silent.scores, evidence=np.zeros(len(starts))),
    )

    chances = every.chances

    gaps = np.diff([*starts, len(system.curve)])
    assert chances == pytest.approx(chances.sum() * gaps / gaps.sum())
    assert chances.sum() == pytest.approx(
        min(change_points.PRIOR_CHANCE, 0.5 / _effects())
    )


def test_a_world_that_moves_is_doubted_before_the_change_is_certain() -> None:
    design, even = bandit_worlds.make_design((2,)), np.full((1, 2), 0.5)

    def learnt(last: float) -> fit.PosteriorFit:
        rng, days = np.random.default_rng(0), []
        for effect in [0.1] * 12 + [last] * 2:
            world = bandit_worlds.World(design, np.array([[0.0, effect]]), np.ones(1))
            days.append(bandit_worlds.simulate_day(world, -2.0, even, 20_000, rng))
        return fit.fit_posterior(design, bandit_worlds.build_cells(days))

    stays, moves = learnt(0.1), learnt(-0.03)

    assert stays.info.changes == moves.info.changes == ()
    variances = [fit.posterior.covariance[1, 1] for fit in (stays, moves)]
    assert variances[1] > 4 * variances[0]
    assert abs(moves.posterior.mean[1]) < abs(stays.posterior.mean[1])


def _effects() -> int:
    """How many effects of the world of these tests may change: of a pair of two one."""
    return 3 + 1 + 6


def _normal_world() -> tuple[Design, RegressionSystem, Mode, ChangePoint]:
    """Ten days of normal responses, where the score's approximation is exact."""
    design, rng = bandit_worlds.make_design((3, 2)), np.random.default_rng(1)
    even = np.full((1, 6), 1 / 6)
    world = bandit_worlds.World(design, np.zeros((1, 6)), np.ones(1))
    cells = bandit_worlds.build_cells(
        [bandit_worlds.simulate_day(world, 0, even, 900, rng) for _ in range(10)]
    )
    moved = (cells.variant < 2) * (cells.stratum >= START)
    sums = cells.users * (0.1 * cells.variant + 0.4 * moved - 2.0)
    sums += rng.normal(0, np.sqrt(cells.users))
    noise = Noise(1.0, float(sums @ sums), np.inf, 1.0)
    system = replace(arrange_cells(design, cells, sums), noise=noise)
    grouped = prior_scales.group_coefficients(design, system)
    mode = newton.find_mode(system, grouped, newton.choose_start_point(system, grouped))
    names, directions = level_contrasts.build_level_contrasts(design)[:2]
    index = names.index("f0: f0.0")
    return design, system, mode, ChangePoint(names[index], directions[index], START)


def _with(
    design: Design, system: RegressionSystem, change: ChangePoint
) -> tuple[Mode, SearchPoint]:
    """Fit the system with the change in it, at the same scales."""
    extended = change_points.add_changes(system, design, (change,))
    grouped = prior_scales.group_coefficients(design, extended)
    mode = newton.find_mode(
        extended, grouped, newton.choose_start_point(extended, grouped)
    )
    return mode, mode.state


def _suspected(
    design: Design,
    system: RegressionSystem,
    mode: Mode,
    change: ChangePoint,
    evidence: float = 1e3,
) -> SuspectedChanges:
    """The change as the only suspect, with so much evidence of it."""
    found = change_points.find_suspected_changes(design, system, mode)
    assert found is not None
    slopes = compute_slopes(system, newton.compute_state_predictor(system, mode.state))
    features = system.rows[:, : design.columns] @ change.direction[:, None]
    starts = np.array([change.start])
    scores = score_test.run_score_test(
        system, mode, slopes, features, starts, change_points.PRIOR_SD
    )
    scores = replace(scores, evidence=np.array([evidence]))
    return replace(found, changes=(change,), scores=scores, features=features)


def _point(system: RegressionSystem, state: SearchPoint) -> Floats:
    (point,) = prior_averaging.extract_coefficients(
        system, state.theta[None], state.own[None]
    )
    return np.asarray(point)
