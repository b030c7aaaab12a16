"""Lifts in percent: bounded, within their interval, or withheld."""

import numpy as np
import pytest

from models_app.bandit.data.value_cells import OutcomeCells
from models_app.bandit.policy import allocation
from models_app.bandit.report import lift, report
from models_app.bandit.rewards import fit
from tests.support import bandit_worlds


@pytest.mark.parametrize("nearest", [0.0, 1e-9, 1e-3])
def test_one_draw_of_a_baseline_near_nothing_does_not_make_the_lift(
    nearest: float,
) -> None:
    baseline = np.random.default_rng(0).normal(1.0, 0.1, 4000)
    baseline[0] = nearest

    found = lift.compute_lift_percent(np.full(4000, 1.1), baseline)

    assert found is not None
    assert found.lo < found.mean < found.hi
    assert found.mean == pytest.approx(11.1, abs=1)


@pytest.mark.parametrize("reward", [0.0, 1.0])
@pytest.mark.parametrize("nothing", [0.0, 1e-15, -1e-15])
def test_there_is_no_percentage_of_nothing(reward: float, nothing: float) -> None:
    assert (
        lift.compute_lift_percent(np.full(4000, reward), np.full(4000, nothing)) is None
    )


def test_a_baseline_of_either_sign_has_no_percentage_and_one_below_zero_has() -> None:
    draws = np.random.default_rng(0).normal(-1.0, 0.1, 4000)

    unsure = lift.compute_lift_percent(np.ones(4000), draws + 1.0)
    below = lift.compute_lift_percent(np.full(4000, -0.5), draws)

    assert unsure is None
    assert below is not None
    assert below.mean == pytest.approx(50, abs=2)


def test_a_lift_of_outcomes_worth_nothing_is_withheld() -> None:
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
    believed, enabled = fit.fit_reward(design, cells).reward, np.ones(3, bool)

    made = report.build_report(
        believed,
        allocation.compile_policy(believed, enabled),
        cells,
        enabled=enabled,
        holdout_share=0.1,
        seed=0,
    )

    assert made.best_vs_baseline_percent is None
    assert made.estimated_improvement_percent is None
