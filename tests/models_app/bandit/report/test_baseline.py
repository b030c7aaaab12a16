"""The baseline by context cell, compared with draws of its reward."""

import json

import numpy as np
import pytest

from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression import fit
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import report
from models_app.bandit.report.baseline import BaselineReward
from models_app.bandit.report.posterior_draws import PosteriorEstimate
from models_app.bandit.rewards import reward_model
from tests.support import bandit_worlds
from tests.support.report_documents import read_report


def fit_world(
    contexts: tuple[int, ...],
) -> tuple[Posterior, BaselineReward, PosteriorEstimate]:
    """Fit a world; return posterior, baseline by context, and over the users seen."""
    design, rng = bandit_worlds.make_design((2, 2), contexts), np.random.default_rng(5)
    world = bandit_worlds.draw_from_prior(design, rng)
    even = np.full(world.eta.shape, 1 / 4)
    cells = bandit_worlds.build_cells(
        [bandit_worlds.simulate_day(world, -2.0, even, 3000, rng) for _ in range(4)]
    )
    posterior = fit.fit_posterior(design, cells).posterior
    enabled = np.ones(4, bool)
    figures = report.build_report(
        posterior,
        allocation.compile_policy(posterior, enabled),
        cells,
        enabled=enabled,
        holdout_share=0.1,
        seed=0,
    )
    assert figures.baselines is not None
    assert read_report(json.loads(json.dumps(report.to_json(figures)))) == figures
    return posterior, figures.baselines, figures.baseline_reward


def draw_baseline(posterior: Posterior, users: Floats) -> Floats:
    """Return draws of the baseline's reward over a mix of contexts."""
    draws = []
    levels = posterior.design.context_levels
    for chunk in reward_model.draw_chunks(posterior, 4000, 0, np.arange(1)):
        table = chunk.build_table()
        parts = [
            n * table.compute_reward(levels[s])[:, 0] for s, n in enumerate(users) if n
        ]
        draws.append(np.sum(parts, axis=0) / users.sum())
    return np.concatenate(draws)


@pytest.mark.parametrize(
    ("contexts", "mix", "tolerance"),
    [
        ((2,), [1, 1, 0, 0], 0.001),
        ((2,), [1, 9, 0, 0], 0.001),
        ((2,), [0, 1, 0, 0], 0.001),
        ((2, 2), [9, 1, 0, 0, 1, 1, *[0] * 10], 0.1),
        ((2, 2), [0, 1, 0, 0, 0, 9, *[0] * 10], 0.1),
        ((5, 5), [*[6] * 5, 0, 0, *[*[1] * 5, 0, 0] * 4, *[0] * 14], 0.02),
    ],
)
def test_mean_and_sd_of_any_mix_agree_with_draws(
    contexts: tuple[int, ...], mix: list[int], tolerance: float
) -> None:
    posterior, baselines, _ = fit_world(contexts)
    users = np.array(mix, np.float64)
    truth = draw_baseline(posterior, users)

    mean, sd = baselines.compute_mean_and_sd(users)

    assert mean == pytest.approx(truth.mean(), rel=1e-6)
    assert sd == pytest.approx(truth.std(), rel=tolerance)


def test_the_mix_of_the_users_seen_gives_the_reports_figure() -> None:
    _, baselines, estimate = fit_world(())

    mean, sd = baselines.compute_mean_and_sd(np.ones(1))

    assert mean == pytest.approx(estimate.mean)
    assert sd == pytest.approx((estimate.hi - estimate.lo) / 3.92, rel=0.05)


def test_cells_without_users_stay_none_in_a_wider_design() -> None:
    _, baselines, _ = fit_world((2,))

    wider = baselines.expand_contexts(np.array([0, 0, 1, 1, 2, 2]))

    assert [mean is None for mean in baselines.means] == [False, False, True, True]
    assert wider.means == tuple(baselines.means[cell] for cell in (0, 0, 1, 1, 2, 2))
    users = np.array([3.0, 1.0, 0.0, 4.0, 0.0, 0.0])
    assert wider.compute_mean_and_sd(users) == baselines.compute_mean_and_sd(
        np.array([4.0, 4.0, 0.0, 0.0])
    )
