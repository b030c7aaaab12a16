"""Numeric rewards: a simulated truth, coverage of intervals, extreme cells."""

from dataclasses import replace

import numpy as np
import pytest

from models_app.bandit.policy import allocation
from models_app.bandit.regression.fit import fit_posterior
from models_app.bandit.report import report
from models_app.bandit.rewards import hurdle
from models_app.bandit.rewards.fit import fit_reward
from tests.support import bandit_worlds, numeric_fits, value_worlds
from tests.support.numeric_fits import DESIGN
from tests.support.reward_posteriors import draw_rewards
from tests.support.value_worlds import Shop

RUNS = 60


def test_estimates_recover_a_simulated_truth() -> None:
    shop, truth = numeric_fits.make_shop(3)
    cells = value_worlds.simulate_sales(shop, 160_000, 5, np.random.default_rng(0))

    figures = numeric_fits.build_report(cells)

    means = np.array([row.expected_reward.mean for row in figures.variants])
    assert np.abs(means / truth - 1).max() < 0.05
    assert figures.reward_model == "hurdle"
    assert figures.notes == ()
    assert figures.historic_reward == pytest.approx(cells.value_sum.sum() / 800_000)


def test_intervals_of_variant_means_cover_95_percent() -> None:
    covered, widths = np.zeros((RUNS, 8)), np.zeros(RUNS)
    for run in range(RUNS):
        shop, truth = numeric_fits.make_shop(run, sd=1.2)
        cells = value_worlds.simulate_sales(
            shop, 8_000, 3, np.random.default_rng([run, 2])
        )
        low, high = np.quantile(
            draw_rewards(numeric_fits.fit_numeric(cells)), [0.025, 0.975], axis=0
        )
        covered[run] = (low < truth) & (truth < high)
        widths[run] = ((high - low) / truth).mean()

    # variants of one world are correlated, so the error is that between worlds
    error = covered.mean(axis=1).std() / np.sqrt(RUNS)
    assert 0.93 - 2.5 * error < covered.mean() < 0.97 + 2.5 * error
    assert widths.mean() < 1.0


def test_the_variance_of_log_amounts_is_the_pooled_sample_variance() -> None:
    rng, design = np.random.default_rng(0), bandit_worlds.make_design((3,))
    shop = Shop(
        design, np.full(3, 0.5), value_worlds.log_normal_amounts(np.arange(3.0), 0.7)
    )
    values = [shop.amounts(rng, v, 300) for v in range(3)]
    rows = [
        (0, v, 600, *value_worlds.sum_amounts(amounts))
        for v, amounts in enumerate(values)
    ]

    system_fit = hurdle.fit_log_amounts(
        design, value_worlds.build_amount_cells(np.array(rows))
    ).system_fit

    assert system_fit.system.noise is not None
    variance = system_fit.system.noise.variance * hurdle.LOG_UNIT**2
    pooled = np.mean([np.log(amounts).var(ddof=1) for amounts in values])
    assert variance == pytest.approx(pooled, rel=0.01)
    assert system_fit.dof == pytest.approx(900 - 3 + hurdle.PRIOR_DOF, abs=1)


def test_the_mean_amount_agrees_with_numerical_integration() -> None:
    design = bandit_worlds.make_design((1,))
    values = np.exp(np.random.default_rng(5).normal(3, 0.8, 50))
    cells = value_worlds.build_amount_cells(
        np.array([(0, 0, 400, *value_worlds.sum_amounts(values))])
    )

    posterior, _ = hurdle.fit_numeric_reward(design, cells)

    logs = np.log(values)
    center, spread = np.meshgrid(np.linspace(2, 4, 801), np.linspace(0.1, 3, 801))
    squares = ((logs - center[..., None]) ** 2).sum(axis=-1)
    prior_squares = hurdle.PRIOR_DOF * hurdle.PRIOR_VARIANCE
    density = -26 * np.log(spread) - (squares + prior_squares) / (2 * spread)
    weight = np.exp(density - density.max())
    amount = (weight * np.exp(center + spread / 2)).sum() / weight.sum()
    mean = draw_rewards(posterior).mean()
    rate = 50.5 / 401
    assert mean == pytest.approx(rate * amount, rel=0.05)


def test_minimizing_finds_the_lowest_amounts() -> None:
    shop, truth = numeric_fits.make_shop(11)
    cells = value_worlds.simulate_sales(shop, 160_000, 5, np.random.default_rng(2))

    least = numeric_fits.build_report(cells, minimize=True)

    assert least.best_variant == int(truth.argmin()) + 1
    assert least.variants[least.best_variant - 1].prob_best > 0.5


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(500, []), (500, [])], id="no payers"),
        pytest.param([(3, [5.0, 7.0, 9.0]), (2, [4.0, 4.0])], id="all pay"),
        pytest.param([(800, [20.0] * 40)], id="one variant seen, one price"),
        pytest.param([(400, []), (400, [10.0] * 400)], id="separation"),
        pytest.param([(100, [1e-3]), (100, [1e15])], id="far apart"),
        pytest.param(
            [(100, [1e-150]), (100, [1e150])], id="near the limits of numbers"
        ),
        pytest.param([(100, [3.0]), (100, [-1e150, 2.0])], id="a huge refund"),
        pytest.param([(50, [0.0, 0.0]), (60, [])], id="zero amounts"),
        pytest.param([(50, [-5.0, -9.0]), (60, [-1.0])], id="losses only"),
        pytest.param([(0, []), (90, [3.0])], id="an empty cell"),
    ],
)
def test_extreme_cells_give_finite_estimates(
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

    posterior, _ = hurdle.fit_numeric_reward(design, cells)

    enabled = np.ones(2, bool)
    compiled_policy = allocation.compile_policy(posterior, enabled)
    figures = report.build_report(
        posterior, compiled_policy, cells, enabled=enabled, holdout_share=0, seed=0
    )
    assert np.isfinite(draw_rewards(posterior)).all()
    assert compiled_policy.probabilities.sum() == pytest.approx(1)
    assert all(np.isfinite(row.expected_reward.hi) for row in figures.variants)


def test_without_payers_the_probability_of_paying_is_shown_with_a_note() -> None:
    cells = value_worlds.build_amount_cells(
        np.array(
            [(0, v, 500, *value_worlds.sum_amounts(np.zeros(0))) for v in range(8)]
        )
    )

    figures = numeric_fits.build_report(cells)

    assert figures.notes == (hurdle.NOTE_NO_PAYERS,)
    assert figures.expected_reward.mean < 0.01


def test_a_billion_users_give_nearly_certain_rewards() -> None:
    shop, _ = numeric_fits.make_shop(3)
    cells = value_worlds.simulate_sales(shop, 160_000, 1, np.random.default_rng(0))
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

    draws = draw_rewards(numeric_fits.fit_numeric(grown))

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
def test_sums_that_are_not_finite_are_rejected_by_field(
    field: str, value: float
) -> None:
    shop, _ = numeric_fits.make_shop(3)
    cells = value_worlds.simulate_sales(shop, 800, 1, np.random.default_rng(0))
    wrong = getattr(cells, field).copy()
    wrong[0] = value

    with pytest.raises(ValueError, match=f"^{field}:"):
        fit_reward(DESIGN, replace(cells, **{field: wrong}))


def test_who_pays_is_learned_like_a_bool_reward() -> None:
    shop, _ = numeric_fits.make_shop(5)
    cells = value_worlds.simulate_sales(shop, 8_000, 2, np.random.default_rng(0))

    paid = numeric_fits.fit_numeric(cells).posteriors[0]
    alone = fit_posterior(DESIGN, value_worlds.as_bool_cells(cells)).posterior

    assert paid.mean.tobytes() == alone.mean.tobytes()
    assert paid.covariance.tobytes() == alone.covariance.tobytes()
