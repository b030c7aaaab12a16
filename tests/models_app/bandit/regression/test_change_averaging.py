"""Suspected changes are averaged over, each by its posterior probability."""

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
EFFECT_COUNT = 3 + 1 + 6
"""Effects of the normal world that may change; a factor of two levels counts once."""


def test_the_score_test_of_a_change_gives_the_coefficient_of_a_fit() -> None:
    design, system, mode, change = _make_normal_world()
    refit = _fit_change(design, system, change)
    mean = refit.point.theta[-1] + refit.newton_step.step[-1]

    scores = _suspect(design, system, mode, change).scores

    assert scores.mean == pytest.approx([mean])
    assert scores.variance == pytest.approx([refit.newton_step.covariance()[-1, -1]])
    assert abs(mean) > 3 * scores.variance[0] ** 0.5


def test_a_certain_suspect_counts_like_a_change_in_the_model() -> None:
    design, system, mode, change = _make_normal_world()
    refit = _fit_change(design, system, change)
    extended = change_points.add_changes(system, design, (change,))
    fitted = _extract_coefficients(extended, refit.point)
    k, q = system.curve.shape[1], design.columns
    mean = _extract_coefficients(system, mode.point)
    posterior = Posterior(design, mean, np.eye(1 + q))
    covariance = mode.newton_step.covariance()
    posterior.covariance[1:, 1:] = covariance[k : k + q, k : k + q]

    averaged = change_averaging.average_over_changes(
        posterior, system, _suspect(design, system, mode, change)
    )

    mapping = np.concatenate([np.eye(q), change.direction[:, None]], axis=1)
    expected = mapping @ refit.newton_step.covariance()[k:, k:] @ mapping.T
    assert averaged.mean == pytest.approx(fitted, abs=1e-9)
    assert averaged.covariance[1:, 1:] == pytest.approx(expected, abs=1e-12)


def test_an_uncertain_suspect_gives_the_moments_of_the_mixture() -> None:
    design, system, mode, change = _make_normal_world()
    certain = _suspect(design, system, mode, change)
    uncertain = _suspect(design, system, mode, change, log_bayes_factor=np.log(3.0))
    mean = _extract_coefficients(system, mode.point)
    without = Posterior(design, mean, np.eye(1 + design.columns))
    with_change = change_averaging.average_over_changes(without, system, certain)

    averaged = change_averaging.average_over_changes(without, system, uncertain)

    (p,) = uncertain.probabilities
    shift = with_change.mean - without.mean
    within = (1 - p) * without.covariance + p * with_change.covariance
    between = p * (1 - p) * np.outer(shift, shift)
    assert 0 < p < 0.5
    assert averaged.mean == pytest.approx(without.mean + p * shift)
    assert averaged.covariance == pytest.approx(within + between)


def test_probabilities_without_evidence_are_proportional_to_the_gap_of_a_start() -> (
    None
):
    design, system, mode, change = _make_normal_world()
    suspects = _suspect(design, system, mode, change, log_bayes_factor=0.0)
    starts = suspects.start_strata
    suspects = replace(
        suspects,
        changes=tuple(replace(change, start=int(start)) for start in starts),
        scores=replace(suspects.scores, log_bayes_factor=np.zeros(len(starts))),
    )

    probabilities = suspects.probabilities

    gaps = np.diff([*starts, len(system.curve)])
    assert probabilities == pytest.approx(probabilities.sum() * gaps / gaps.sum())
    assert probabilities.sum() == pytest.approx(
        min(change_points.PRIOR_PROBABILITY, 0.5 / EFFECT_COUNT)
    )


def test_a_change_widens_the_posterior_before_it_is_certain() -> None:
    design, even = bandit_worlds.make_design((2,)), np.full((1, 2), 0.5)

    def fit_days(last: float) -> fit.PosteriorFit:
        rng, days = np.random.default_rng(0), []
        for effect in [0.1] * 12 + [last] * 2:
            world = bandit_worlds.World(design, np.array([[0.0, effect]]), np.ones(1))
            days.append(bandit_worlds.simulate_day(world, -2.0, even, 20_000, rng))
        return fit.fit_posterior(design, bandit_worlds.build_cells(days))

    unchanged, changed = fit_days(0.1), fit_days(-0.03)

    assert unchanged.info.changes == changed.info.changes == ()
    variances = [fit.posterior.covariance[1, 1] for fit in (unchanged, changed)]
    assert variances[1] > 4 * variances[0]
    assert abs(changed.posterior.mean[1]) < abs(unchanged.posterior.mean[1])


def _make_normal_world() -> tuple[Design, RegressionSystem, Mode, ChangePoint]:
    """Return ten days of normal responses, for which the score test is exact."""
    design, rng = bandit_worlds.make_design((3, 2)), np.random.default_rng(1)
    even = np.full((1, 6), 1 / 6)
    world = bandit_worlds.World(design, np.zeros((1, 6)), np.ones(1))
    cells = bandit_worlds.build_cells(
        [bandit_worlds.simulate_day(world, 0, even, 900, rng) for _ in range(10)]
    )
    changed = (cells.variant < 2) * (cells.stratum >= START)
    sums = cells.users * (0.1 * cells.variant + 0.4 * changed - 2.0)
    sums += rng.normal(0, np.sqrt(cells.users))
    noise = Noise(1.0, float(sums @ sums), np.inf, 1.0)
    system = replace(arrange_cells(design, cells, sums), noise=noise)
    groups = prior_scales.group_coefficients(design, system)
    mode = newton.find_mode(system, groups, newton.choose_start_point(system, groups))
    names, directions = level_contrasts.build_level_contrasts(design)[:2]
    index = names.index("f0: f0.0")
    return design, system, mode, ChangePoint(names[index], directions[index], START)


def _fit_change(design: Design, system: RegressionSystem, change: ChangePoint) -> Mode:
    """Return the mode of the system with the change, at the same scales."""
    extended = change_points.add_changes(system, design, (change,))
    groups = prior_scales.group_coefficients(design, extended)
    start = newton.choose_start_point(extended, groups)
    return newton.find_mode(extended, groups, start)


def _suspect(
    design: Design,
    system: RegressionSystem,
    mode: Mode,
    change: ChangePoint,
    log_bayes_factor: float = 1e3,
) -> SuspectedChanges:
    """Return the change as the only suspect, with this evidence."""
    suspects = change_points.find_suspected_changes(design, system, mode)
    assert suspects is not None
    slopes = compute_slopes(system, newton.compute_point_predictor(system, mode.point))
    features = system.rows[:, : design.columns] @ change.direction[:, None]
    starts = np.array([change.start])
    scores = score_test.run_score_test(
        system, mode, slopes, features, starts, change_points.PRIOR_SD
    )
    scores = replace(scores, log_bayes_factor=np.array([log_bayes_factor]))
    return replace(suspects, changes=(change,), scores=scores, features=features)


def _extract_coefficients(system: RegressionSystem, point: SearchPoint) -> Floats:
    (coefficients,) = prior_averaging.extract_coefficients(
        system, point.theta[None], point.own[None]
    )
    return np.asarray(coefficients)
