"""Small simulation studies: coverage, calibration, drift, late conversions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from models_app.bandit.data import cells
from models_app.bandit.data.cells import TrainingRow
from models_app.bandit.design.design import Floats
from models_app.bandit.policy.allocation import build_uniform_table, compile_policy
from models_app.bandit.regression import fit
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import report
from tests.support import bandit_worlds

RUNS = 40


def compute_contrast(
    posterior: Posterior, better: int, worse: int
) -> tuple[float, float]:
    """Return the mean and sd of two variants' log-odds difference in context 0."""
    rows = posterior.design.rows(np.array([better, worse]), np.zeros(2, dtype=int))
    difference = rows[0] - rows[1]
    variance = difference @ posterior.covariance[1:, 1:] @ difference
    return float(difference @ posterior.mean[1:]), float(np.sqrt(variance))


@dataclass(frozen=True, slots=True)
class Run:
    """A world and what the model learned of it under adaptive allocation."""

    world: bandit_worlds.World
    posterior: Posterior
    prob_best: Floats


def simulate_run(seed: int) -> Run:
    """Simulate eight drifting days of a world from the prior, retrained every day."""
    rng = np.random.default_rng([seed, 4])
    world = bandit_worlds.draw_from_prior(bandit_worlds.make_design((3, 2), (2,)), rng)
    enabled = np.ones(6, bool)
    allocation = build_uniform_table(world.design.context_cells, enabled)
    days, level = [], -2.5
    for _ in range(7):
        days.append(bandit_worlds.simulate_day(world, level, allocation, 1500, rng))
        posterior = fit.fit_posterior(
            world.design, bandit_worlds.build_cells(days)
        ).posterior
        compiled_policy = compile_policy(posterior, enabled, draws=300)
        allocation = compiled_policy.probabilities
        level += rng.normal(0, 0.1)
    days.append(bandit_worlds.simulate_day(world, level, allocation, 1500, rng))
    posterior = fit.fit_posterior(
        world.design, bandit_worlds.build_cells(days)
    ).posterior
    compiled_policy = compile_policy(posterior, enabled)
    return Run(world, posterior, compiled_policy.prob_best)


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """One simulation study for several tests."""
    return [simulate_run(seed) for seed in range(RUNS)]


def test_intervals_cover_after_adaptive_allocation_under_drift(runs: list[Run]) -> None:
    covered = np.zeros((RUNS, 5))
    for index, run in enumerate(runs):
        for variant in range(1, 6):
            mean, sd = compute_contrast(run.posterior, variant, 0)
            truth = run.world.eta[0, variant] - run.world.eta[0, 0]
            covered[index, variant - 1] = abs(mean - truth) < 1.96 * sd

    # Contrasts of one world are correlated, so worlds are the independent units.
    error = covered.mean(axis=1).std() / np.sqrt(RUNS)
    assert 0.93 - 2.5 * error < covered.mean() < 0.97 + 2.5 * error


def test_the_interval_of_the_selected_best_variant_covers(runs: list[Run]) -> None:
    covered = []
    for run in runs:
        best = int(run.prob_best[0].argmax())
        mean, sd = compute_contrast(run.posterior, best, 0)
        truth = run.world.eta[0, best] - run.world.eta[0, 0]
        covered.append(abs(mean - truth) <= 1.96 * sd)

    assert np.mean(covered) > 0.93 - 2.5 * np.sqrt(0.05 * 0.95 / RUNS)


def test_prob_best_is_calibrated(runs: list[Run]) -> None:
    claimed = np.array([run.prob_best[:2].max(axis=1) for run in runs])
    chosen = np.array([run.prob_best[:2].argmax(axis=1) for run in runs])
    right = chosen == np.array([run.world.eta[:2].argmax(axis=1) for run in runs])

    gaps = (claimed - right).mean(axis=1)
    assert abs(gaps.mean()) < 3 * gaps.std() / np.sqrt(RUNS)


def test_reported_rewards_have_the_level_of_the_last_day() -> None:
    world = bandit_worlds.draw_from_prior(
        bandit_worlds.make_design((2,)), np.random.default_rng(1)
    )
    even, rng = np.full((1, 2), 0.5), np.random.default_rng(2)
    levels = np.linspace(-3, -2, 20)
    days = [
        bandit_worlds.simulate_day(world, level, even, 20_000, rng) for level in levels
    ]
    table = bandit_worlds.build_cells(days)
    posterior, enabled = (
        fit.fit_posterior(world.design, table).posterior,
        np.ones(2, bool),
    )
    compiled_policy = compile_policy(posterior, enabled)

    result = report.build_report(
        posterior, compiled_policy, table, enabled=enabled, holdout_share=0, seed=0
    )

    rates = world.rate(levels[-1])[0]
    for variant, truth in zip(result.variants, rates, strict=True):
        assert variant.expected_reward.lo < truth < variant.expected_reward.hi
        assert variant.expected_reward.hi < truth * 1.15


def test_a_starved_loser_does_not_win_when_the_base_rate_falls() -> None:
    design, rng = bandit_worlds.make_design((2,)), np.random.default_rng(0)
    world = bandit_worlds.World(design, np.array([[0.1, 0.0]]), np.ones(1))
    days, naive = [], np.zeros((2, 1, 2))
    for day in range(20):
        share = 0.5 if day < 5 else 0.05
        allocation = np.array([[1 - share, share]])
        days.append(
            bandit_worlds.simulate_day(
                world, -1.5 - 0.08 * day, allocation, 10_000, rng
            )
        )
        naive += days[-1]

    mean, sd = compute_contrast(
        fit.fit_posterior(design, bandit_worlds.build_cells(days)).posterior, 0, 1
    )

    rate = naive[1, 0] / naive[0, 0]
    assert rate[1] > rate[0]
    assert abs(mean - 0.1) < 2.5 * sd
    assert mean - 1.96 * sd > -0.02


def test_a_daily_cycle_with_hourly_retraining_does_not_bias_contrasts() -> None:
    design = bandit_worlds.make_design((2,))
    world = bandit_worlds.World(design, np.zeros((1, 2)), np.ones(1))
    errors = []
    for seed in range(20):
        rng = np.random.default_rng([seed, 9])
        hours = []
        for hour in range(96):
            level = -2.5 + 0.5 * np.sin(hour * np.pi / 12)
            share = 0.5 + 0.45 * np.sin(hour * np.pi / 12 + 1)
            allocation = np.array([[1 - share, share]])
            hours.append(
                bandit_worlds.simulate_day(world, level, allocation, 2000, rng)
            )
        table = bandit_worlds.build_cells(hours)
        mean, sd = compute_contrast(fit.fit_posterior(design, table).posterior, 1, 0)
        errors.append(mean / sd)

    assert abs(np.mean(errors)) < 3 / np.sqrt(20)
    assert np.mean(np.abs(errors) < 1.96) > 0.8


def test_a_variant_whose_conversions_come_later_is_not_penalized() -> None:
    contrasts = [_simulate_slow_variant(seed) for seed in range(12)]

    means, sds = np.array(contrasts).T
    assert abs(means.mean()) < 0.05
    assert np.mean(np.abs(means) < 1.96 * sds) > 0.7


def _simulate_slow_variant(seed: int) -> tuple[float, float]:
    """Return the contrast of two equal variants; the second converts 5 days later."""
    rng = np.random.default_rng([seed, 6])
    start, horizon, days, rate = datetime(2030, 1, 1, tzinfo=UTC), 168, 21, 0.06
    as_of = start + timedelta(days=days)
    rows, lags = [], np.zeros(32)
    for day in range(days):
        for variant, delay in enumerate((6.0, 120.0)):
            touched = start + timedelta(days=day, hours=12)
            age = (as_of - touched) / timedelta(hours=1)
            users = 1500
            lag = delay + rng.uniform(0, 24, rng.binomial(users, rate))
            mature = age >= horizon
            if mature:
                lags += np.histogram(lag, 32, (0, horizon))[0]
            rows.append(
                TrainingRow(
                    day=date(2030, 1, 1) + timedelta(days=day),
                    policy_version=1,
                    variant=variant,
                    context=0,
                    mature=mature,
                    hour=None if mature else touched - timedelta(minutes=30),
                    users=users,
                    converted=int((lag <= age).sum()),
                )
            )
    table = cells.tabulate_counts(rows, lags.astype(int).tolist(), horizon, as_of)
    return compute_contrast(
        fit.fit_posterior(bandit_worlds.make_design((2,)), table).posterior, 1, 0
    )
