"""What levels do together: how much, under which name, and when nothing is said."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.regression import fit
from models_app.bandit.report import interactions, posterior_draws
from models_app.bandit.report.baseline import BaselineReward
from models_app.bandit.report.interactions import Interaction
from models_app.bandit.report.posterior_draws import RewardDraws
from tests.support import bandit_worlds

PLENTY = [500.0] * 4


def drawn_of(rewards: list[float], error: float = 1e-6) -> RewardDraws:
    """Draws of rewards that are as given, to a standard error."""
    rng = np.random.default_rng(0)
    table = np.array(rewards) + error * rng.standard_normal((2000, len(rewards)))
    nothing = np.zeros(2000)
    weight, nobody = nothing[: len(rewards)], BaselineReward((), (), ())
    return RewardDraws(table, weight, nothing, nothing, nothing, (), nobody)


def judged(
    rewards: list[float],
    users: list[float] = PLENTY,
    *,
    error: float = 1e-6,
    sign: float = 1.0,
) -> Interaction:
    """The one pair of a two by two design."""
    cells = bandit_worlds.build_one_day_cells(
        [(v, n, 0.0) for v, n in enumerate(users)]
    )
    design = bandit_worlds.make_design((2, 2))
    (found,) = interactions.estimate_interactions(
        design, drawn_of(rewards, error), cells, sign
    )
    return found


@pytest.mark.parametrize(
    ("rewards", "sign", "deviation", "kind"),
    [
        ([0.10, 0.12, 0.13, 0.20], 1, 0.05, "synergy"),
        ([0.10, 0.08, 0.07, 0.06], 1, 0.01, "saturation"),
        ([0.10, 0.12, 0.13, 0.12], 1, -0.03, "conflict"),
        ([0.10, 0.08, 0.07, 0.02], 1, -0.03, "conflict"),
        ([0.10, 0.08, 0.13, 0.20], 1, 0.09, None),
        # Where less is better, the same rewards have the opposite names.
        ([0.10, 0.12, 0.13, 0.20], -1, 0.05, "conflict"),
        ([0.10, 0.12, 0.13, 0.12], -1, -0.03, "saturation"),
        ([0.10, 0.08, 0.07, 0.02], -1, -0.03, "synergy"),
    ],
)
def test_a_deviation_is_named_by_what_the_levels_do_alone(
    rewards: list[float], sign: float, deviation: float, kind: str | None
) -> None:
    found = judged(rewards, sign=sign)

    assert found.deviation is not None
    assert found.deviation.mean == pytest.approx(deviation, abs=1e-5)
    assert found.kind == kind
    assert (found.withheld is None) == (kind is not None)
    assert (found.factors, found.levels) == (("f0", "f1"), ("f0.1", "f1.1"))
    assert found.users == 500


def test_a_deviation_that_may_be_nothing_has_no_name() -> None:
    found = judged([0.10, 0.12, 0.13, 0.16], error=0.01)

    assert found.deviation is not None
    assert found.deviation.lo < 0 < found.deviation.hi
    assert (found.kind, found.withheld) == (None, interactions.REASON_UNSURE)


@pytest.mark.parametrize("few", range(4))
def test_a_pair_is_masked_where_any_of_its_four_corners_is_thin(few: int) -> None:
    users = [250.0] * 4
    users[few] = 199.0

    found = judged([0.10, 0.12, 0.13, 0.20], users)

    assert found.deviation is None
    assert found.kind is None
    assert found.withheld is not None
    assert found.withheld.startswith("199 users were shown f0 f0.")
    assert found.users == users[3]


def test_every_pair_of_levels_is_judged_evenly_over_the_other_factors() -> None:
    design = bandit_worlds.make_design((2, 3, 2))
    level = design.variant_levels
    table = 0.1 + 0.01 * level[:, 0] + 0.02 * level[:, 1] + 0.04 * level[:, 2]
    table += 0.03 * (level[:, 0] == 1) * (level[:, 1] == 2)
    cells = bandit_worlds.build_one_day_cells([(v, 300.0, 0.0) for v in range(12)])

    found = interactions.estimate_interactions(design, drawn_of(table.tolist()), cells)

    deviations = {
        (each.factors, each.levels): each.deviation.mean
        for each in found
        if each.deviation is not None
    }
    assert len(found) == len(deviations) == 2 + 1 + 2
    assert deviations.pop((("f0", "f1"), ("f0.1", "f1.2"))) == pytest.approx(
        0.03, abs=1e-5
    )
    assert list(deviations.values()) == pytest.approx([0.0] * 4, abs=1e-5)
    assert found[0].users == 600


def test_what_the_model_leaves_out_is_withheld() -> None:
    factors = tuple(
        Factor(f"f{f}", tuple(f"{f}.{level}" for level in range(10))) for f in range(2)
    )
    contexts = tuple(Factor(f"c{c}", ("known",)) for c in range(60))
    design = Design(factors, contexts)
    cells = bandit_worlds.build_one_day_cells([(v, 500.0, 0.0) for v in range(100)])
    assert "f0 x f1" in design.left_out

    found = interactions.estimate_interactions(
        design, drawn_of(np.linspace(0, 1, 100).tolist()), cells
    )

    assert len(found) == 81
    assert {each.withheld for each in found} == {interactions.REASON_LEFT_OUT}
    assert {each.deviation for each in found} == {None}


def test_intervals_hold_the_truth_after_adaptive_allocation() -> None:
    covered = sum(covers(seed) for seed in range(60))

    assert covered >= 52  # of 60: 95% less 2.6 standard errors


def covers(seed: int) -> bool:
    """Whether the interval holds the truth in a world drawn from the prior."""
    design, rng = bandit_worlds.make_design((2, 2)), np.random.default_rng(seed)
    world, enabled = bandit_worlds.draw_from_prior(design, rng), np.ones(4, bool)
    compiled = CompiledPolicy(np.full((1, 4), 0.25), np.full((1, 4), 0.25))
    days: list[tuple[Floats, Floats]] = []
    found: tuple[Interaction, ...] = ()
    for _ in range(4):
        days.append(
            bandit_worlds.simulate_day(world, -2.0, compiled.probabilities, 2000, rng)
        )
        cells = bandit_worlds.build_cells(days)
        believed = fit.fit_posterior(design, cells).posterior
        compiled = allocation.compile_policy(believed, enabled, draws=500)
        drawn = posterior_draws.draw_rewards(
            believed, compiled, np.ones(1), enabled, seed
        )
        plenty = replace(cells, users=cells.users * 100)
        found = interactions.estimate_interactions(design, drawn, plenty)
    deviation, rate = found[0].deviation, world.rate(-2.0)[0]
    assert deviation is not None
    truth = rate[3] - rate[1] - rate[2] + rate[0]
    return bool(deviation.lo <= truth <= deviation.hi)
