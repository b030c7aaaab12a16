"""The baseline by context cell, held against draws of what it claims to be."""

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


def learnt(
    contexts: tuple[int, ...],
) -> tuple[Posterior, BaselineReward, PosteriorEstimate]:
    """What is learnt of a world, and its baseline by context and over the users seen."""
    design, rng = bandit_worlds.make_design((2, 2), contexts), np.random.default_rng(5)
    world = bandit_worlds.draw_from_prior(design, rng)
    even = np.full(world.eta.shape, 1 / 4)
    cells = bandit_worlds.build_cells(
        [bandit_worlds.simulate_day(world, -2.0, even, 3000, rng) for _ in range(4)]
    )
    posterior = fit.fit_posterior(design, cells).posterior
    enabled = np.ones(4, bool)
    made = report.build_report(
        posterior,
        allocation.compile_policy(posterior, enabled),
        cells,
        enabled=enabled,
        holdout_share=0.1,
        seed=0,
    )
    assert made.baselines is not None
    assert report.from_json(json.loads(json.dumps(report.to_json(made)))) == made
    return posterior, made.baselines, made.baseline_reward


def drawn(posterior: Posterior, users: Floats) -> Floats:
    """Draws of the baseline's reward over a mix of contexts."""
    found = []
    levels = posterior.design.context_levels
    for chunk in reward_model.draw_chunks(posterior, 4000, 0, np.arange(1)):
        table = chunk.table()
        parts = [n * table.reward(levels[s])[:, 0] for s, n in enumerate(users) if n]
        found.append(np.sum(parts, axis=0) / users.sum())
    return np.concatenate(found)


@pytest.mark.parametrize(
    ("contexts", "mix", "off"),
    [
        ((2,), [1, 1, 0, 0], 0.001),
        ((2,), [1, 9, 0, 0], 0.001),
        ((2,), [0, 1, 0, 0], 0.001),
        ((2, 2), [9, 1, 0, 0, 1, 1, *[0] * 10], 0.1),
        ((2, 2), [0, 1, 0, 0, 0, 9, *[0] * 10], 0.1),
        ((5, 5), [*[6] * 5, 0, 0, *[*[1] * 5, 0, 0] * 4, *[0] * 14], 0.02),
    ],
)
def test_another_mix_has_the_mean_and_sd_of_its_draws(
    contexts: tuple[int, ...], mix: list[int], off: float
) -> None:
    posterior, baselines, _ = learnt(contexts)
    users = np.array(mix, np.float64)
    truth = drawn(posterior, users)

    mean, sd = baselines.compute_mean_and_sd(users)

    assert mean == pytest.approx(truth.mean(), rel=1e-6)
    assert sd == pytest.approx(truth.std(), rel=off)


def test_the_mix_of_the_users_seen_gives_the_report_s_own_figure() -> None:
    _, baselines, reported = learnt(())

    mean, sd = baselines.compute_mean_and_sd(np.ones(1))

    assert mean == pytest.approx(reported.mean)
    assert sd == pytest.approx((reported.hi - reported.lo) / 3.92, rel=0.05)


def test_cells_that_nobody_was_seen_in_are_none_in_a_wider_design_too() -> None:
    _, baselines, _ = learnt((2,))

    wider = baselines.expand_contexts(np.array([0, 0, 1, 1, 2, 2]))

    assert [mean is None for mean in baselines.means] == [False, False, True, True]
    assert wider.means == tuple(baselines.means[at] for at in (0, 0, 1, 1, 2, 2))
    users = np.array([3.0, 1.0, 0.0, 4.0, 0.0, 0.0])
    assert wider.compute_mean_and_sd(users) == baselines.compute_mean_and_sd(
        np.array([4.0, 4.0, 0.0, 0.0])
    )
