"""Numeric rewards: a truth recovered, honest intervals, extremes."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression.fit import fit_posterior
from models_app.bandit.report import report
from models_app.bandit.report.report import Report
from models_app.bandit.rewards import hurdle, reward_model
from models_app.bandit.rewards.fit import fit_reward
from models_app.bandit.rewards.reward_model import RewardPosterior
from tests.support import bandit_worlds, value_worlds
from tests.support.value_worlds import Shop

DESIGN = bandit_worlds.make_design((4, 2))
RUNS = 60


def shop(seed: int, sd: float = 1.0) -> tuple[Shop, Floats]:
    """A shop of moderate effects on who pays and how much; its mean rewards [V]."""
    rng = np.random.default_rng([seed, 1])
    rate = 1 / (1 + np.exp(3.0 - value_worlds.draw_effects(DESIGN, 0.15, rng)))
    centre = 3.4 + value_worlds.draw_effects(DESIGN, 0.1, rng)
    truth = rate * np.exp(centre + sd**2 / 2)
    return Shop(DESIGN, rate, value_worlds.log_normal_amounts(centre, sd)), truth


def believed(cells: AmountCells) -> RewardPosterior:
    """What is believed of a design of eight variants."""
    found = fit_reward(DESIGN, cells).reward
    assert isinstance(found, RewardPosterior)
    return found


def drawn(belief: RewardPosterior, seed: int = 0) -> Floats:
    """Draws [4000, V] of rewards in context 0."""
    everyone = np.arange(belief.design.variants)
    nobody = np.zeros(0, dtype=np.int64)
    chunks = reward_model.draw_chunks(belief, 4000, seed, everyone)
    return np.concatenate([chunk.table().reward(nobody) for chunk in chunks])


def reported(cells: AmountCells, *, minimise: bool = False) -> Report:
    """The report of a fit and the policy compiled from it."""
    belief, everyone = believed(cells), np.ones(8, bool)
    compiled = allocation.compile_policy(belief, everyone, minimise=minimise)
    return report.build_report(
        belief,
        compiled,
        cells,
        enabled=everyone,
        holdout_share=0.1,
        seed=0,
        minimise=minimise,
    )


def test_a_simulated_truth_is_recovered_in_the_unit_of_the_amounts() -> None:
    world, truth = shop(3)
    cells = value_worlds.simulate_sales(world, 160_000, 5, np.random.default_rng(0))

    made = reported(cells)

    means = np.array([row.expected_reward.mean for row in made.variants])
    assert np.abs(means / truth - 1).max() < 0.05
    assert made.reward_model == "hurdle"
    assert made.notes == ()
    assert made.historic_reward == pytest.approx(cells.value_sum.sum() / 800_000)


def test_intervals_of_variant_means_cover_as_often_as_they_say() -> None:
    covered, widths = np.zeros((RUNS, 8)), np.zeros(RUNS)
    for run in range(RUNS):
        world, truth = shop(run, sd=1.2)
        cells = value_worlds.simulate_sales(
            world, 8_000, 3, np.random.default_rng([run, 2])
        )
        low, high = np.quantile(drawn(believed(cells)), [0.025, 0.975], axis=0)
        covered[run] = (low < truth) & (truth < high)
        widths[run] = ((high - low) / truth).mean()

    # Variants of one world hang together, so the error is reckoned by worlds.
    error = covered.mean(axis=1).std() / np.sqrt(RUNS)
    assert 0.93 - 2.5 * error < covered.mean() < 0.97 + 2.5 * error
    assert widths.mean() < 1.0


def test_the_variance_of_log_amounts_is_that_of_the_sample_about_its_means() -> None:
    rng, design = np.random.default_rng(0), bandit_worlds.make_design((3,))
    world = Shop(
        design, np.full(3, 0.5), value_worlds.log_normal_amounts(np.arange(3.0), 0.7)
    )
    values = [world.amounts(rng, v, 300) for v in range(3)]
    rows = [
        (0, v, 600, *value_worlds.sum_amounts(each)) for v, each in enumerate(values)
    ]

    found = hurdle.fit_log_amounts(
        design, value_worlds.build_amount_cells(np.array(rows))
    ).system_fit

    assert found.system.noise is not None
    variance = found.system.noise.variance * hurdle.LOG_UNIT**2
    pooled = np.mean([np.log(each).var(ddof=1) for each in values])
    assert variance == pytest.approx(pooled, rel=0.01)
    assert found.dof == pytest.approx(900 - 3 + hurdle.PRIOR_DOF, abs=1)


def test_the_mean_amount_is_that_of_plain_integration() -> None:
    design = bandit_worlds.make_design((1,))
    values = np.exp(np.random.default_rng(5).normal(3, 0.8, 50))
    cells = value_worlds.build_amount_cells(
        np.array([(0, 0, 400, *value_worlds.sum_amounts(values))])
    )

    belief, _ = hurdle.fit_numeric_reward(design, cells)

    logs = np.log(values)
    centre, spread = np.meshgrid(np.linspace(2, 4, 801), np.linspace(0.1, 3, 801))
    off = ((logs - centre[..., None]) ** 2).sum(axis=-1)
    density = -26 * np.log(spread) - (off + 1.0 * hurdle.PRIOR_DOF) / (2 * spread)
    weight = np.exp(density - density.max())
    amount = (weight * np.exp(centre + spread / 2)).sum() / weight.sum()
    mean = drawn(belief).mean()
    rate = 50.5 / 401
    assert mean == pytest.approx(rate * amount, rel=0.05)


def with_amount(cells: AmountCells, at: int, amount: float) -> AmountCells:
    """The same cells with one more payer in one of them."""
    one = np.zeros_like(cells.users)
    one[at] = 1.0
    return replace(
        cells,
        users=cells.users + one,
        successes=cells.successes + one,
        value_sum=cells.value_sum + one * amount,
        value_sum_squares=cells.value_sum_squares + one * amount**2,
        log_sum=cells.log_sum + one * np.log(amount),
        log_sum_squares=cells.log_sum_squares + one * np.log(amount) ** 2,
    )


def test_where_less_is_better_the_least_amounts_are_served() -> None:
    world, truth = shop(11)
    cells = value_worlds.simulate_sales(world, 160_000, 5, np.random.default_rng(2))

    least = reported(cells, minimise=True)

    assert least.best_variant == int(truth.argmin()) + 1
    assert least.variants[least.best_variant - 1].prob_best > 0.5


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(500, []), (500, [])], id="zero payers"),
        pytest.param([(3, [5.0, 7.0, 9.0]), (2, [4.0, 4.0])], id="all pay"),
        pytest.param([(800, [20.0] * 40)], id="one variant seen, one price"),
        pytest.param([(400, []), (400, [10.0] * 400)], id="separation"),
        pytest.param([(100, [1e-3]), (100, [1e15])], id="far apart"),
        pytest.param([(100, [1e-150]), (100, [1e150])], id="as far as numbers go"),
        pytest.param([(100, [3.0]), (100, [-1e150, 2.0])], id="a refund as far"),
        pytest.param([(50, [0.0, 0.0]), (60, [])], id="nothing paid for something"),
        pytest.param([(50, [-5.0, -9.0]), (60, [-1.0])], id="losses only"),
        pytest.param([(0, []), (90, [3.0])], id="an empty cell"),
    ],
)
def test_extreme_cells_give_finite_answers(
    rows: list[tuple[int, list[float]]],
) -> None:
    table = [
        (0, v, users, *value_worlds.sum_amounts(np.array(values)))
        for v, (users, values) in enumerate(rows)
    ]
    design, cells = (
        bandit_worlds.make_design((2,)),
        value_worlds.build_amount_cells(np.array(table)),
    )

    belief, _ = hurdle.fit_numeric_reward(design, cells)

    everyone = np.ones(2, bool)
    compiled = allocation.compile_policy(belief, everyone)
    made = report.build_report(
        belief, compiled, cells, enabled=everyone, holdout_share=0, seed=0
    )
    assert np.isfinite(drawn(belief)).all()
    assert compiled.probabilities.sum() == pytest.approx(1)
    assert all(np.isfinite(row.expected_reward.hi) for row in made.variants)


def test_nobody_having_paid_the_chance_is_shown_and_said_to_be() -> None:
    cells = value_worlds.build_amount_cells(
        np.array(
            [(0, v, 500, *value_worlds.sum_amounts(np.zeros(0))) for v in range(8)]
        )
    )

    made = reported(cells)

    assert made.notes == (hurdle.NOTE_NO_PAYERS,)
    assert made.expected_reward.mean < 0.01


def test_a_billion_users_cost_no_more_and_are_nearly_certain() -> None:
    world, _ = shop(3)
    cells = value_worlds.simulate_sales(world, 160_000, 1, np.random.default_rng(0))
    many = 1e9 / 160_000
    grown = replace(
        cells,
        users=cells.users * many,
        successes=cells.successes * many,
        value_sum=cells.value_sum * many,
        value_sum_squares=cells.value_sum_squares * many,
        log_sum=cells.log_sum * many,
        log_sum_squares=cells.log_sum_squares * many,
    )

    draws = drawn(believed(grown))

    assert np.isfinite(draws).all()
    assert (draws.std(axis=0) / draws.mean(axis=0)).max() < 0.02


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value_sum", np.nan),
        ("value_sum", np.inf),
        ("log_sum", np.nan),
        ("value_sum_squares", np.inf),
        ("log_sum_squares", -np.inf),
        ("users", np.nan),
    ],
)
def test_amounts_that_are_no_numbers_are_refused_by_field(
    field: str, value: float
) -> None:
    world, _ = shop(3)
    cells = value_worlds.simulate_sales(world, 800, 1, np.random.default_rng(0))
    wrong = getattr(cells, field).copy()
    wrong[0] = value

    with pytest.raises(ValueError, match=f"^{field}:"):
        fit_reward(DESIGN, replace(cells, **{field: wrong}))


def test_who_pays_is_learnt_as_a_bool_reward_would_be() -> None:
    world, _ = shop(5)
    cells = value_worlds.simulate_sales(world, 8_000, 2, np.random.default_rng(0))

    paid = believed(cells).posteriors[0]
    alone = fit_posterior(DESIGN, value_worlds.as_bool_cells(cells)).posterior

    assert paid.mean.tobytes() == alone.mean.tobytes()
    assert paid.covariance.tobytes() == alone.covariance.tobytes()
