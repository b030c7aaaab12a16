"""Lift in percent: bounded, within its interval, or withheld."""

import numpy as np
import pytest

from models_app.bandit.data.value_cells import OutcomeCells
from models_app.bandit.policy import allocation
from models_app.bandit.report import lift, report
from models_app.bandit.rewards import fit
from tests.support import bandit_worlds


@pytest.mark.parametrize("nearest", [0.0, 1e-9, 1e-3])
def test_one_draw_of_a_baseline_near_zero_does_not_dominate_the_lift(
    nearest: float,
) -> None:
    baseline = np.random.default_rng(0).normal(1.0, 0.1, 4000)
    baseline[0] = nearest

    estimate = lift.compute_lift_percent(np.full(4000, 1.1), baseline)

    assert estimate is not None
    assert estimate.lo < estimate.mean < estimate.hi
    assert estimate.mean == pytest.approx(11.1, abs=1)


@pytest.mark.parametrize("reward", [0.0, 1.0])
@pytest.mark.parametrize("baseline", [0.0, 1e-15, -1e-15])
def test_a_baseline_of_zero_has_no_lift(reward: float, baseline: float) -> None:
    assert (
        lift.compute_lift_percent(np.full(4000, reward), np.full(4000, baseline))
        is None
    )


def test_a_negative_baseline_has_a_lift_but_one_of_unsure_sign_has_none() -> None:
    draws = np.random.default_rng(0).normal(-1.0, 0.1, 4000)

    unsure = lift.compute_lift_percent(np.ones(4000), draws + 1.0)
    negative = lift.compute_lift_percent(np.full(4000, -0.5), draws)

    assert unsure is None
    assert negative is not None
    assert negative.mean == pytest.approx(50, abs=2)


def test_the_lift_of_outcomes_with_weight_zero_is_withheld() -> None:
    design, users = bandit_worlds.make_design((3,)), np.full(3, 1000.0)
    cells = OutcomeCells(
        stratum=np.zeros(3, int),
        stratum_time=np.zeros(1),
        variant=np.arange(3),
        context=np.zeros(3, int),
        users=users,
        successes=users / 10,
        counts=np.stack([users / 20, users / 20], axis=1),
        keys=("a", "b"),
        weights=(0.0, 0.0),
    )
    reward, enabled = fit.fit_reward(design, cells).reward, np.ones(3, bool)

    figures = report.build_report(
        reward,
        allocation.compile_policy(reward, enabled),
        cells,
        enabled=enabled,
        holdout_share=0.1,
        seed=0,
    )

    assert figures.best_vs_baseline_percent is None
    assert figures.estimated_improvement_percent is None
