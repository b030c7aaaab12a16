"""The report of a training, compared with known truths."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.regression import fit
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import report
from models_app.bandit.report.posterior_draws import PosteriorEstimate
from models_app.bandit.report.report import Report
from tests.support import bandit_worlds
from tests.support.report_documents import read_report


def make_certain(
    eta: list[list[float]], users: list[list[float]]
) -> tuple[Posterior, TrainingCells]:
    """Return a posterior that is certain of log odds [contexts, V], and users seen."""
    design = bandit_worlds.make_design(
        (len(eta[0]),), (len(eta),) if len(eta) > 1 else ()
    )
    table = np.zeros((design.context_cells, design.variants))
    table[: len(eta)] = eta
    cell_index, variant = np.divmod(np.arange(table.size), design.variants)
    rows = np.concatenate(
        [np.ones((table.size, 1)), design.rows(variant, cell_index)], axis=1
    )
    mean = np.linalg.lstsq(rows, table.ravel(), rcond=None)[0]
    user_table = np.zeros_like(table)
    user_table[: len(users)] = users
    cells = bandit_worlds.build_cells([(user_table, np.zeros_like(table))])
    return Posterior(design, mean, np.eye(len(mean)) * 1e-12), cells


def require(estimate: PosteriorEstimate | None) -> PosteriorEstimate:
    """Return the estimate, which must not be None."""
    assert estimate is not None
    return estimate


def logit(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))


def make_policy(rows: list[list[float]], context_cells: int) -> CompiledPolicy:
    """Return an allocation of these rows; the last one holds in all further contexts."""
    table: Floats = np.array(rows + [rows[-1]] * (context_cells - len(rows)))
    return CompiledPolicy(table, table)


def fit_world() -> tuple[Report, Posterior, CompiledPolicy, TrainingCells]:
    """Fit a simulated world, compile its policy and report on it."""
    design, rng = bandit_worlds.make_design((2, 2), (2,)), np.random.default_rng(3)
    world = bandit_worlds.draw_from_prior(design, rng)
    even = np.full(world.eta.shape, 1 / 4)
    days = [bandit_worlds.simulate_day(world, -2.0, even, 4000, rng) for _ in range(5)]
    cells, enabled = bandit_worlds.build_cells(days), np.ones(4, bool)
    posterior = fit.fit_posterior(design, cells).posterior
    compiled_policy = allocation.compile_policy(posterior, enabled)
    figures = report.build_report(
        posterior, compiled_policy, cells, enabled=enabled, holdout_share=0.1, seed=0
    )
    return figures, posterior, compiled_policy, cells


def test_a_certain_posterior_gives_the_true_figures() -> None:
    low, high = logit(0.1), logit(0.2)
    posterior, cells = make_certain([[low, high], [high, low]], [[30, 30], [20, 20]])
    compiled_policy = make_policy(
        [[0.5, 0.5], [0.75, 0.25]], posterior.design.context_cells
    )

    figures = report.build_report(
        posterior,
        compiled_policy,
        cells,
        enabled=np.ones(2, bool),
        holdout_share=0.2,
        seed=0,
    )

    means = [row.expected_reward.mean for row in figures.variants]
    assert means == pytest.approx(
        [0.6 * 0.1 + 0.4 * 0.2, 0.6 * 0.2 + 0.4 * 0.1], rel=1e-4
    )
    expected = 0.6 * 0.15 + 0.4 * (0.75 * 0.2 + 0.25 * 0.1)
    assert figures.expected_reward.mean == pytest.approx(expected, rel=1e-4)
    assert figures.best_variant == 2
    lift = 100 * (0.16 / 0.14 - 1)
    assert require(figures.best_vs_baseline_percent).mean == pytest.approx(
        lift, rel=1e-3
    )
    improvement = 100 * (expected / 0.14 - 1)
    assert require(figures.estimated_improvement_percent).mean == pytest.approx(
        improvement, rel=1e-3
    )
    progress = 1 - (0.2 - expected) / (0.2 - 0.15)
    assert figures.estimated_progress == pytest.approx(progress, rel=1e-3)
    weights = [row.weight for row in figures.variants]
    assert weights == pytest.approx([0.8 * 0.6, 0.8 * 0.4])
    second = figures.contexts[1]
    assert (second.factor, second.level, second.best_variant) == ("c0", "c0.1", 1)
    assert second.share == pytest.approx(0.4)
    assert second.expected_gain.mean == pytest.approx(0.1, rel=1e-3)
    assert figures.contexts[0].expected_gain.mean == 0


def test_personalization_is_the_leading_variants_against_the_one_leader() -> None:
    """Each context's leading variant earns 0.2 there; the leader for all earns 0.16."""
    low, high = logit(0.1), logit(0.2)
    posterior, cells = make_certain([[low, high], [high, low]], [[30, 30], [20, 20]])
    policy = make_policy([[0.1, 0.9], [0.9, 0.1]], posterior.design.context_cells)

    figures = report.build_report(
        posterior, policy, cells, enabled=np.ones(2, bool), holdout_share=0, seed=0
    )

    gain = require(figures.personalization_percent)
    assert gain.mean == pytest.approx(100 * (0.2 / 0.16 - 1), rel=1e-3)


def test_without_contexts_there_is_nothing_to_personalize() -> None:
    posterior, cells = make_certain([[logit(0.1), logit(0.2)]], [[10, 10]])
    enabled = np.ones(2, bool)

    figures = report.build_report(
        posterior,
        make_policy([[0.0, 1.0]], 1),
        cells,
        enabled=enabled,
        holdout_share=0.0,
        seed=0,
    )

    assert figures.personalization_percent is None


def test_where_one_variant_leads_everywhere_personalization_is_worth_nothing() -> None:
    low, high = logit(0.1), logit(0.2)
    posterior, cells = make_certain([[low, high], [low, high]], [[30, 30], [30, 30]])
    policy = make_policy([[0.1, 0.9]], posterior.design.context_cells)

    figures = report.build_report(
        posterior, policy, cells, enabled=np.ones(2, bool), holdout_share=0, seed=0
    )

    gain = require(figures.personalization_percent)
    assert (gain.lo, gain.mean, gain.hi) == (0, 0, 0)


def test_a_disabled_variant_is_neither_best_nor_part_of_progress() -> None:
    posterior, cells = make_certain(
        [[logit(0.1), logit(0.3), logit(0.2)]], [[10, 10, 10]]
    )
    compiled_policy = make_policy([[0.0, 0.0, 1.0]], 1)
    enabled = np.array([True, False, True])

    figures = report.build_report(
        posterior, compiled_policy, cells, enabled=enabled, holdout_share=0.0, seed=0
    )

    assert figures.best_variant == 3
    assert [row.prob_best for row in figures.variants] == [0, 0, 1]
    assert figures.estimated_progress == pytest.approx(1)


def test_minimizing_ranks_the_lowest_first_but_keeps_the_sign_of_lifts() -> None:
    posterior, cells = make_certain(
        [[logit(0.2), logit(0.1), logit(0.3)]], [[10, 10, 10]]
    )
    compiled_policy, enabled = make_policy([[0.0, 1.0, 0.0]], 1), np.ones(3, bool)

    figures = report.build_report(
        posterior,
        compiled_policy,
        cells,
        enabled=enabled,
        holdout_share=0.0,
        seed=0,
        minimize=True,
    )

    assert figures.best_variant == 2
    assert [row.prob_best for row in figures.variants] == [0, 1, 0]
    assert require(figures.best_vs_baseline_percent).mean == pytest.approx(
        -50, rel=1e-3
    )
    assert figures.estimated_progress == pytest.approx(1)


def test_importances_split_the_variance_of_rewards() -> None:
    figures = build_report_of_truth(interaction=0.0)

    shares = {row.factor: row.share.mean for row in figures.factor_importance}
    assert shares["f0"] == pytest.approx(0.8, abs=0.02)
    assert shares["f1"] == pytest.approx(0.2, abs=0.02)
    assert figures.interaction_importance is not None
    assert figures.interaction_importance.mean < 0.01
    effects = [
        row.effect.mean for row in figures.factor_utilities if row.factor == "f0"
    ]
    assert effects[1] > 0
    assert sum(effects) == pytest.approx(0, abs=1e-9)
    assert figures.context_importance == ()


def test_interaction_importance_is_what_main_effects_do_not_explain() -> None:
    figures = build_report_of_truth(interaction=0.3)

    assert figures.interaction_importance is not None
    assert figures.interaction_importance.mean > 0.1
    total = sum(row.share.mean for row in figures.factor_importance)
    assert total + figures.interaction_importance.mean == pytest.approx(1)


def test_a_context_that_reverses_the_order_has_all_importance() -> None:
    low, high = logit(0.1), logit(0.2)
    posterior, cells = make_certain([[low, high], [high, low]], [[30, 30], [30, 30]])
    compiled_policy = make_policy([[0.5, 0.5]], posterior.design.context_cells)

    figures = report.build_report(
        posterior,
        compiled_policy,
        cells,
        enabled=np.ones(2, bool),
        holdout_share=0,
        seed=0,
    )

    assert figures.context_importance[0].factor == "c0"
    assert require(figures.context_importance[0].share).mean == pytest.approx(
        1, abs=1e-3
    )


def test_a_context_interaction_left_out_gives_a_note_and_no_importance() -> None:
    design = bandit_worlds.make_design((48, 2), (40,))
    assert design.left_out == ("f0 x context c0",)
    posterior = Posterior(
        design, np.zeros(1 + design.columns), make_covariance(design.columns)
    )

    figures = report.build_report(
        posterior,
        make_policy([[1 / 96] * 96], design.context_cells),
        bandit_worlds.build_one_day_cells([(v, 10.0, 0.0) for v in range(96)]),
        enabled=np.ones(96, bool),
        holdout_share=0.1,
        seed=0,
    )

    assert figures.notes == (
        "too many coefficients to learn together; left out: f0 x context c0",
    )
    assert [row.share for row in figures.context_importance] == [None]
    assert figures.interaction_importance is not None


def test_an_interaction_left_out_has_no_importance() -> None:
    design = bandit_worlds.make_design((46, 46), ())
    assert design.left_out == ("f0 x f1",)
    posterior = Posterior(
        design, np.zeros(1 + design.columns), make_covariance(design.columns)
    )
    variants = design.variants

    figures = report.build_report(
        posterior,
        make_policy([[1 / variants] * variants], 1),
        bandit_worlds.build_one_day_cells([(v, 10.0, 0.0) for v in range(variants)]),
        enabled=np.ones(variants, bool),
        holdout_share=0.1,
        seed=0,
    )

    assert figures.interaction_importance is None
    assert figures.notes != ()


def make_covariance(columns: int) -> Floats:
    """Return a covariance of the level and this many coefficients."""
    return np.eye(1 + columns) * 0.01


def build_report_of_truth(interaction: float) -> Report:
    """Return the report of a certain posterior of two factors, one twice as strong."""
    eta = np.array([0.0, 0.1, 0.2, 0.3 + interaction]) - 4
    design = bandit_worlds.make_design((2, 2))
    rows = np.concatenate(
        [np.ones((4, 1)), design.rows(np.arange(4), np.zeros(4, int))], 1
    )
    mean = np.linalg.solve(rows, eta)
    posterior = Posterior(design, mean, np.eye(4) * 1e-12)
    cells = bandit_worlds.build_one_day_cells([(v, 10.0, 0.0) for v in range(4)])
    return report.build_report(
        posterior,
        make_policy([[0.25] * 4], 1),
        cells,
        enabled=np.ones(4, bool),
        holdout_share=0.1,
        seed=0,
    )


def test_figures_are_finite_and_intervals_contain_their_means() -> None:
    figures, *_ = fit_world()

    numbers = json.dumps(asdict(figures), allow_nan=False)
    estimates = [row.expected_reward for row in figures.variants]
    estimates += [context.expected_gain for context in figures.contexts]
    estimates += [
        figures.expected_reward,
        require(figures.estimated_improvement_percent),
    ]
    assert all(e.lo < e.mean < e.hi or e.lo == e.mean == e.hi for e in estimates)
    assert 0 <= figures.estimated_progress <= 1
    assert sum(row.weight for row in figures.variants) == pytest.approx(0.9)
    assert sum(row.prob_best for row in figures.variants) == pytest.approx(1)
    assert numbers


def test_a_report_can_be_stored_as_json() -> None:
    figures, *_ = fit_world()

    stored = json.loads(json.dumps(report.to_json(figures)))

    assert read_report(stored) == figures


def test_without_users_the_report_shows_the_prior() -> None:
    design = bandit_worlds.make_design((2, 2), (2,))
    cells = bandit_worlds.build_one_day_cells([(0, 0, 0)])
    posterior, enabled = fit.fit_posterior(design, cells).posterior, np.ones(4, bool)
    compiled_policy = allocation.compile_policy(posterior, enabled)

    figures = report.build_report(
        posterior, compiled_policy, cells, enabled=enabled, holdout_share=0.1, seed=0
    )

    assert figures.historic_reward is None
    assert all(0.2 < row.prob_best < 0.3 for row in figures.variants)


@pytest.mark.parametrize(
    ("enabled", "holdout_share", "field"),
    [
        (np.ones(4, bool), 1.0, "holdout_share"),
        (np.ones(4, bool), float("nan"), "holdout_share"),
        (np.zeros(4, bool), 0.1, "enabled"),
        (np.ones(3, bool), 0.1, "enabled"),
    ],
)
def test_impossible_arguments_are_rejected_by_name(
    enabled: np.ndarray, holdout_share: float, field: str
) -> None:
    _, posterior, compiled_policy, cells = fit_world()

    with pytest.raises(ValueError, match=field):
        report.build_report(
            posterior,
            compiled_policy,
            cells,
            enabled=enabled,
            holdout_share=holdout_share,
            seed=0,
        )
