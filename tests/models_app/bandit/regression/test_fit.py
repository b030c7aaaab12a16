"""The posterior compared with known truths, a general optimizer and integration."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from scipy import optimize

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Floats
from models_app.bandit.regression import newton, prior_scales
from models_app.bandit.regression.fit import fit_posterior
from models_app.bandit.regression.likelihood import (
    RegressionSystem,
    arrange_cells,
    compute_log_likelihood,
)
from models_app.bandit.regression.prior_scales import ScaleGroup
from models_app.bandit.report import coefficients
from tests.support import bandit_worlds


def simulate_cells(users: int = 3000) -> TrainingCells:
    world = bandit_worlds.draw_from_prior(
        bandit_worlds.make_design((3, 2), (2,)), np.random.default_rng(0)
    )
    even = np.full(world.eta.shape, 1 / 6)
    rng = np.random.default_rng(1)
    return bandit_worlds.build_cells(
        [bandit_worlds.simulate_day(world, -2.5, even, users, rng) for _ in range(5)]
    )


def test_the_mode_and_covariance_match_a_general_optimizer() -> None:
    design = bandit_worlds.make_design((3, 2), (2,))
    system = arrange_cells(design, simulate_cells())
    groups = prior_scales.group_coefficients(design, system)

    mode = newton.find_mode(system, groups, newton.choose_start_point(system, groups))

    precision, center = _build_precisions(system, groups), np.zeros(system.size + 5)
    center[0], features = prior_scales.INTERCEPT_MEAN, _build_features(system)

    def loss(x: Floats) -> tuple[float, Floats]:
        eta = features @ x
        value = -compute_log_likelihood(system, eta)
        value += 0.5 * float(precision @ (x - center) ** 2)
        residual = system.successes - system.users / (1 + np.exp(-eta))
        return value, precision * (x - center) - features.T @ residual

    options = {"gtol": 1e-6, "maxiter": 5000}
    optimum = optimize.minimize(loss, center, jac=True, method="BFGS", options=options)
    rate = 1 / (1 + np.exp(-features @ optimum.x))
    weight = system.users * rate * (1 - rate)
    hessian = features.T @ (features * weight[:, None]) + np.diag(precision)
    covariance = np.linalg.inv(hessian)
    moments = newton.compute_moments(mode.point, mode.newton_step)
    coefficients_at_mode = np.concatenate([mode.point.theta, mode.point.own])
    assert coefficients_at_mode == pytest.approx(optimum.x, abs=2e-4)
    size = system.size
    assert moments.covariance == pytest.approx(covariance[:size, :size], abs=1e-6)
    assert moments.own_variance == pytest.approx(np.diag(covariance)[size:], abs=1e-6)


def test_uncertain_scales_make_intervals_longer_and_certain_ones_do_not() -> None:
    counts = [(variant, 40.0, 3.0 + variant) for variant in range(6)]
    many = [(v, users * 10**6, hits * 10**6) for v, users, hits in counts]

    widenings = [
        _compute_widening(bandit_worlds.build_one_day_cells(table))
        for table in (counts, many)
    ]

    assert widenings[0] > 1.3
    assert widenings[1] == pytest.approx(1, abs=0.01)


def test_the_evidence_is_the_integral_over_the_coefficients() -> None:
    design, cells = (
        bandit_worlds.make_design((1,)),
        bandit_worlds.build_one_day_cells([(0, 4000, 310)]),
    )

    fit = fit_posterior(design, cells)

    own_sd = fit.info.prior_scales["time, each stratum"]
    sd = np.hypot(prior_scales.INTERCEPT_SD, own_sd)
    eta = np.linspace(-3.5, -1.5, 20_001)
    log_density = 310 * eta - 4000 * np.logaddexp(0, eta)
    log_density -= 0.5 * ((eta - prior_scales.INTERCEPT_MEAN) / sd) ** 2
    log_density -= np.log(sd * np.sqrt(2 * np.pi))
    peak = log_density.max()
    integral = peak + np.log(np.exp(log_density - peak).sum() * (eta[1] - eta[0]))
    assert fit.info.log_evidence == pytest.approx(integral, abs=0.01)


def test_a_simulated_truth_is_recovered() -> None:
    design = bandit_worlds.make_design((3, 3, 2), (3,))
    world = bandit_worlds.draw_from_prior(design, np.random.default_rng(5))
    even, rng = np.full(world.eta.shape, 1 / 18), np.random.default_rng(6)
    days = [
        bandit_worlds.simulate_day(world, -2.0, even, 40_000, rng) for _ in range(10)
    ]

    fit = fit_posterior(design, bandit_worlds.build_cells(days))

    variants = np.arange(design.variants)
    rows = design.rows(variants, np.zeros_like(variants))
    estimate = rows @ fit.posterior.mean[1:]
    estimate, truth = estimate - estimate.mean(), world.eta[0] - world.eta[0].mean()
    assert np.corrcoef(estimate, truth)[0, 1] > 0.97
    assert np.abs(estimate - truth).max() < 0.15


def test_scales_of_groups_without_effects_shrink() -> None:
    design = bandit_worlds.make_design((4, 4))
    levels = design.variant_levels
    eta = np.array([-0.3, 0.0, 0.1, 0.4])[levels[:, 0]]
    users = np.full(16, 200_000.0)
    successes = np.round(users / (1 + np.exp(2.5 - eta)))

    fit = fit_posterior(
        design,
        bandit_worlds.build_one_day_cells(
            [*zip(range(16), users, successes, strict=True)]
        ),
    )

    scales = fit.info.prior_scales
    assert scales["f0"] > 0.2
    assert scales["f1"] < scales["f0"] / 2
    assert scales["f0 x f1"] < 0.02


def test_a_context_level_never_seen_is_predicted_from_the_others() -> None:
    design, cells = (
        bandit_worlds.make_design((3, 2), (2,)),
        simulate_cells(users=50_000),
    )

    fit = fit_posterior(design, cells)

    missing = design.rows(np.arange(6), np.full(6, 3))
    named = [design.rows(np.arange(6), np.full(6, level)) for level in (0, 1)]
    theta = fit.posterior.mean[1:]
    assert np.isfinite(missing @ theta).all()
    average = (named[0] @ theta + named[1] @ theta) / 2
    assert np.corrcoef(missing @ theta, average)[0, 1] > 0.95


def test_coefficients_are_relative_to_the_baseline() -> None:
    design, cells = bandit_worlds.make_design((3, 2), (2,)), simulate_cells()

    fit = fit_posterior(design, cells)

    by_levels = {
        tuple(c.levels.values()): c
        for c in coefficients.compute_coefficients(fit.posterior)
    }
    rows = design.rows(np.arange(6), np.zeros(6, int)) @ fit.posterior.mean[1:]
    assert len(by_levels) == design.columns
    assert by_levels[("f0.2",)].mean == pytest.approx(rows[4] - rows[0])
    crossed = rows[5] - rows[4] - rows[1] + rows[0]
    assert by_levels[("f0.2", "f1.1")].mean == pytest.approx(crossed)
    assert all(0 < c.sd < 5 for c in by_levels.values())


def test_no_matrix_of_strata_by_strata_is_allocated() -> None:
    design, rng = bandit_worlds.make_design((3, 2), (2,)), np.random.default_rng(0)
    world = bandit_worlds.draw_from_prior(design, rng)
    even = np.full(world.eta.shape, 1 / 6)
    hours = [
        bandit_worlds.simulate_day(world, -2.5, even, 60, rng) for _ in range(2000)
    ]
    cells = bandit_worlds.build_cells(hours)
    cells = dataclasses.replace(cells, stratum_time=cells.stratum_time / 24)

    tracemalloc.start()
    fit = fit_posterior(design, cells)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert fit.info.converged
    assert peak < 2000**2 * 8 / 2


def _build_precisions(
    system: RegressionSystem, groups: tuple[ScaleGroup, ...]
) -> Floats:
    """Return the prior precisions [p + T] at the scales' prior medians."""
    log_variances = prior_scales.compute_prior_log_medians(groups)
    precisions = prior_scales.compute_precisions(groups, log_variances, system.size)
    own = np.full(len(system.curve), np.exp(-log_variances[-1]))
    return np.concatenate([precisions, own])


def _compute_widening(cells: TrainingCells) -> float:
    """Return the mean ratio of posterior sds to those at the best scales alone."""
    design = bandit_worlds.make_design((3, 2))
    fit = fit_posterior(design, cells)
    system = arrange_cells(design, cells)
    groups = prior_scales.group_coefficients(design, system)
    start = dataclasses.replace(
        newton.choose_start_point(system, groups),
        log_variances=2 * np.log(list(fit.info.prior_scales.values())),
    )
    mode = newton.find_mode(system, groups, start)
    k = system.curve.shape[1]
    alone = np.diag(mode.newton_step.covariance())[k : k + design.columns]
    return float(np.sqrt(np.diag(fit.posterior.covariance)[1:] / alone).mean())


def _build_features(system: RegressionSystem) -> Floats:
    """Return all columns [n, p + T] of the model."""
    own = np.eye(len(system.curve))
    blocks = system.curve[system.stratum], system.rows[system.row], own[system.stratum]
    return np.concatenate(blocks, axis=1)
