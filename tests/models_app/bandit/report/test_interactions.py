"""Interactions of levels: their size, their kind, and when they are withheld."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.regression import fit
from models_app.bandit.report import interactions, posterior_draws
from models_app.bandit.report.baseline import BaselineReward
from models_app.bandit.report.draw_sums import UserMix
from models_app.bandit.report.interactions import Interaction
from models_app.bandit.report.posterior_draws import RewardDraws
from tests.support import bandit_worlds

PLENTY = [500.0] * 4


def make_draws(rewards: list[float], error: float = 1e-6) -> RewardDraws:
    """Return draws of rewards [V] with a standard error."""
    rng = np.random.default_rng(0)
    table = np.array(rewards) + error * rng.standard_normal((2000, len(rewards)))
    zeros = np.zeros(2000)
    weight, baselines = zeros[: len(rewards)], BaselineReward((), (), ())
    return RewardDraws(table, weight, zeros, zeros, zeros, (), baselines)


def estimate(
    rewards: list[float],
    users: list[float] = PLENTY,
    *,
    error: float = 1e-6,
    sign: float = 1.0,
) -> Interaction:
    """Return the only interaction of a two by two design."""
    cells = bandit_worlds.build_one_day_cells(
        [(v, n, 0.0) for v, n in enumerate(users)]
    )
    design = bandit_worlds.make_design((2, 2))
    (interaction,) = interactions.estimate_interactions(
        design, make_draws(rewards, error), cells, sign
    )
    return interaction


@pytest.mark.parametrize(
    ("rewards", "sign", "deviation", "kind"),
    [
        ([0.10, 0.12, 0.13, 0.20], 1, 0.05, "synergy"),
        ([0.10, 0.08, 0.07, 0.06], 1, 0.01, "saturation"),
        ([0.10, 0.12, 0.13, 0.12], 1, -0.03, "conflict"),
        ([0.10, 0.08, 0.07, 0.02], 1, -0.03, "conflict"),
        ([0.10, 0.08, 0.13, 0.20], 1, 0.09, None),
        # if less is better, the same rewards have the opposite kinds
        ([0.10, 0.12, 0.13, 0.20], -1, 0.05, "conflict"),
        ([0.10, 0.12, 0.13, 0.12], -1, -0.03, "saturation"),
        ([0.10, 0.08, 0.07, 0.02], -1, -0.03, "synergy"),
    ],
)
def test_the_kind_depends_on_what_the_levels_do_alone(
    rewards: list[float], sign: float, deviation: float, kind: str | None
) -> None:
    interaction = estimate(rewards, sign=sign)

    assert interaction.deviation is not None
    assert interaction.deviation.mean == pytest.approx(deviation, abs=1e-5)
    assert interaction.kind == kind
    assert (interaction.withheld is None) == (kind is not None)
    assert (interaction.factors, interaction.levels) == (("f0", "f1"), ("f0.1", "f1.1"))
    assert interaction.users == 500


def test_a_deviation_that_may_be_zero_has_no_kind() -> None:
    interaction = estimate([0.10, 0.12, 0.13, 0.16], error=0.01)

    assert interaction.deviation is not None
    assert interaction.deviation.lo < 0 < interaction.deviation.hi
    assert (interaction.kind, interaction.withheld) == (
        None,
        interactions.REASON_UNSURE,
    )


@pytest.mark.parametrize("few", range(4))
def test_a_pair_is_withheld_if_any_of_four_pairs_has_few_users(few: int) -> None:
    users = [250.0] * 4
    users[few] = 199.0

    interaction = estimate([0.10, 0.12, 0.13, 0.20], users)

    assert interaction.deviation is None
    assert interaction.kind is None
    assert interaction.withheld is not None
    assert interaction.withheld.startswith("only 199 users saw f0 f0.")
    assert interaction.users == users[3]


def test_all_pairs_of_levels_are_averaged_over_the_other_factors() -> None:
    design = bandit_worlds.make_design((2, 3, 2))
    level = design.variant_levels
    table = 0.1 + 0.01 * level[:, 0] + 0.02 * level[:, 1] + 0.04 * level[:, 2]
    table += 0.03 * (level[:, 0] == 1) * (level[:, 1] == 2)
    cells = bandit_worlds.build_one_day_cells([(v, 300.0, 0.0) for v in range(12)])

    estimates = interactions.estimate_interactions(
        design, make_draws(table.tolist()), cells
    )

    deviations = {
        (row.factors, row.levels): row.deviation.mean
        for row in estimates
        if row.deviation is not None
    }
    assert len(estimates) == len(deviations) == 2 + 1 + 2
    assert deviations.pop((("f0", "f1"), ("f0.1", "f1.2"))) == pytest.approx(
        0.03, abs=1e-5
    )
    assert list(deviations.values()) == pytest.approx([0.0] * 4, abs=1e-5)
    assert estimates[0].users == 600


def test_interactions_that_the_model_leaves_out_are_withheld() -> None:
    factors = tuple(
        Factor(f"f{f}", tuple(f"{f}.{level}" for level in range(10))) for f in range(2)
    )
    contexts = tuple(Factor(f"c{c}", ("known",)) for c in range(60))
    design = Design(factors, contexts)
    cells = bandit_worlds.build_one_day_cells([(v, 500.0, 0.0) for v in range(100)])
    assert "f0 x f1" in design.left_out

    estimates = interactions.estimate_interactions(
        design, make_draws(np.linspace(0, 1, 100).tolist()), cells
    )

    assert len(estimates) == 81
    assert {row.withheld for row in estimates} == {interactions.REASON_LEFT_OUT}
    assert {row.deviation for row in estimates} == {None}


def test_intervals_cover_the_truth_after_adaptive_allocation() -> None:
    covered = sum(covers_truth(seed) for seed in range(60))

    assert covered >= 52  # of 60: 95% minus 2.6 standard errors


def covers_truth(seed: int) -> bool:
    """Return whether the interval covers the truth in a world drawn from the prior."""
    design, rng = bandit_worlds.make_design((2, 2)), np.random.default_rng(seed)
    world, enabled = bandit_worlds.draw_from_prior(design, rng), np.ones(4, bool)
    compiled_policy = CompiledPolicy(np.full((1, 4), 0.25), np.full((1, 4), 0.25))
    mix = UserMix(np.ones(1), np.zeros((1, 4, 0)), np.ones(1))
    days: list[tuple[Floats, Floats]] = []
    estimates: tuple[Interaction, ...] = ()
    for _ in range(4):
        days.append(
            bandit_worlds.simulate_day(
                world, -2.0, compiled_policy.probabilities, 2000, rng
            )
        )
        cells = bandit_worlds.build_cells(days)
        posterior = fit.fit_posterior(design, cells).posterior
        compiled_policy = allocation.compile_policy(posterior, enabled, draws=500)
        draws = posterior_draws.draw_rewards(
            posterior, compiled_policy, mix, enabled, seed
        )
        many_users = replace(cells, users=cells.users * 100)
        estimates = interactions.estimate_interactions(design, draws, many_users)
    deviation, rate = estimates[0].deviation, world.rate(-2.0)[0]
    assert deviation is not None
    truth = rate[3] - rate[1] - rate[2] + rate[0]
    return bool(deviation.lo <= truth <= deviation.hi)
