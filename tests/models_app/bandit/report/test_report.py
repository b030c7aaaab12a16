"""The figures of a training, checked against what they claim to be."""

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


def certain(
    eta: list[list[float]], users: list[list[float]]
) -> tuple[Posterior, TrainingCells]:
    """A posterior that is sure of a [contexts, variants] truth, and users seen."""
    design = bandit_worlds.make_design(
        (len(eta[0]),), (len(eta),) if len(eta) > 1 else ()
    )
    table = np.zeros((design.segments, design.variants))
    table[: len(eta)] = eta
    segment, variant = np.divmod(np.arange(table.size), design.variants)
    rows = np.concatenate(
        [np.ones((table.size, 1)), design.rows(variant, segment)], axis=1
    )
    mean = np.linalg.lstsq(rows, table.ravel(), rcond=None)[0]
    shown = np.zeros_like(table)
    shown[: len(users)] = users
    cells = bandit_worlds.build_cells([(shown, np.zeros_like(table))])
    return Posterior(design, mean, np.eye(len(mean)) * 1e-12), cells


def sure(estimate: PosteriorEstimate | None) -> PosteriorEstimate:
    """An estimate that must be there."""
    assert estimate is not None
    return estimate


def logit(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))


def fixed(rows: list[list[float]], segments: int) -> CompiledPolicy:
    """An allocation, the same in the contexts beyond those given."""
    table: Floats = np.array(rows + [rows[-1]] * (segments - len(rows)))
    return CompiledPolicy(table, table)


def learnt() -> tuple[Report, Posterior, CompiledPolicy, TrainingCells]:
    design, rng = bandit_worlds.make_design((2, 2), (2,)), np.random.default_rng(3)
    world = bandit_worlds.draw_from_prior(design, rng)
    even = np.full(world.eta.shape, 1 / 4)
    days = [bandit_worlds.simulate_day(world, -2.0, even, 4000, rng) for _ in range(5)]
    cells, enabled = bandit_worlds.build_cells(days), np.ones(4, bool)
    posterior = fit.fit_posterior(design, cells).posterior
    compiled = allocation.compile_policy(posterior, enabled)
    made = report.build_report(
        posterior, compiled, cells, enabled=enabled, holdout_share=0.1, seed=0
    )
    return made, posterior, compiled, cells


def test_figures_are_those_of_the_truth_where_the_posterior_is_sure() -> None:
    low, high = logit(0.1), logit(0.2)
    posterior, cells = certain([[low, high], [high, low]], [[30, 30], [20, 20]])
    compiled = fixed([[0.5, 0.5], [0.75, 0.25]], posterior.design.segments)

    made = report.build_report(
        posterior, compiled, cells, enabled=np.ones(2, bool), holdout_share=0.2, seed=0
    )

    means = [row.expected_reward.mean for row in made.variants]
    assert means == pytest.approx(
        [0.6 * 0.1 + 0.4 * 0.2, 0.6 * 0.2 + 0.4 * 0.1], rel=1e-4
    )
    expected = 0.6 * 0.15 + 0.4 * (0.75 * 0.2 + 0.25 * 0.1)
    assert made.expected_reward.mean == pytest.approx(expected, rel=1e-4)
    assert made.best_variant == 2
    lift = 100 * (0.16 / 0.14 - 1)
    assert sure(made.best_vs_baseline_percent).mean == pytest.approx(lift, rel=1e-3)
    improvement = 100 * (expected / 0.14 - 1)
    assert sure(made.estimated_improvement_percent).mean == pytest.approx(
        improvement, rel=1e-3
    )
    progress = 1 - (0.2 - expected) / (0.2 - 0.15)
    assert made.estimated_progress == pytest.approx(progress, rel=1e-3)
    weights = [row.weight for row in made.variants]
    assert weights == pytest.approx([0.8 * 0.6, 0.8 * 0.4])
    second = made.contexts[1]
    assert (second.factor, second.level, second.best_variant) == ("c0", "c0.1", 1)
    assert second.share == pytest.approx(0.4)
    assert second.expected_gain.mean == pytest.approx(0.1, rel=1e-3)
    assert made.contexts[0].expected_gain.mean == 0


def test_a_disabled_variant_is_neither_best_nor_counted_in_progress() -> None:
    posterior, cells = certain([[logit(0.1), logit(0.3), logit(0.2)]], [[10, 10, 10]])
    compiled = fixed([[0.0, 0.0, 1.0]], 1)
    enabled = np.array([True, False, True])

    made = report.build_report(
        posterior, compiled, cells, enabled=enabled, holdout_share=0.0, seed=0
    )

    assert made.best_variant == 3
    assert [row.prob_best for row in made.variants] == [0, 0, 1]
    assert made.estimated_progress == pytest.approx(1)


def test_where_less_is_better_the_least_is_best_and_lifts_keep_their_sign() -> None:
    posterior, cells = certain([[logit(0.2), logit(0.1), logit(0.3)]], [[10, 10, 10]])
    compiled, enabled = fixed([[0.0, 1.0, 0.0]], 1), np.ones(3, bool)

    made = report.build_report(
        posterior,
        compiled,
        cells,
        enabled=enabled,
        holdout_share=0.0,
        seed=0,
        minimise=True,
    )

    assert made.best_variant == 2
    assert [row.prob_best for row in made.variants] == [0, 1, 0]
    assert sure(made.best_vs_baseline_percent).mean == pytest.approx(-50, rel=1e-3)
    assert made.estimated_progress == pytest.approx(1)


def test_importances_share_out_the_spread_of_rewards() -> None:
    made, additive = report_of_a_truth(crossed=0.0), {}

    for row in made.factor_importance:
        additive[row.factor] = row.share.mean

    assert additive["f0"] == pytest.approx(0.8, abs=0.02)
    assert additive["f1"] == pytest.approx(0.2, abs=0.02)
    assert made.interaction_importance is not None
    assert made.interaction_importance.mean < 0.01
    effects = [row.effect.mean for row in made.factor_utilities if row.factor == "f0"]
    assert effects[1] > 0
    assert sum(effects) == pytest.approx(0, abs=1e-9)
    assert made.context_importance == ()


def test_what_factors_do_only_together_is_interaction() -> None:
    made = report_of_a_truth(crossed=0.3)

    assert made.interaction_importance is not None
    assert made.interaction_importance.mean > 0.1
    total = sum(row.share.mean for row in made.factor_importance)
    assert total + made.interaction_importance.mean == pytest.approx(1)


def test_a_context_that_turns_the_order_round_is_all_of_the_spread() -> None:
    low, high = logit(0.1), logit(0.2)
    posterior, cells = certain([[low, high], [high, low]], [[30, 30], [30, 30]])
    compiled = fixed([[0.5, 0.5]], posterior.design.segments)

    made = report.build_report(
        posterior, compiled, cells, enabled=np.ones(2, bool), holdout_share=0, seed=0
    )

    assert made.context_importance[0].factor == "c0"
    assert sure(made.context_importance[0].share).mean == pytest.approx(1, abs=1e-3)


def test_what_the_model_leaves_out_is_named_and_called_unknown() -> None:
    design = bandit_worlds.make_design((48, 2), (40,))
    assert design.left_out == ("f0 x context c0",)
    posterior = Posterior(design, np.zeros(1 + design.columns), spread(design.columns))

    made = report.build_report(
        posterior,
        fixed([[1 / 96] * 96], design.segments),
        bandit_worlds.build_one_day_cells([(v, 10.0, 0.0) for v in range(96)]),
        enabled=np.ones(96, bool),
        holdout_share=0.1,
        seed=0,
    )

    assert made.notes == (
        "too many coefficients to learn together; left out: f0 x context c0",
    )
    assert [row.share for row in made.context_importance] == [None]
    assert made.interaction_importance is not None


def test_interactions_that_are_left_out_are_not_called_unimportant() -> None:
    design = bandit_worlds.make_design((46, 46), ())
    assert design.left_out == ("f0 x f1",)
    posterior = Posterior(design, np.zeros(1 + design.columns), spread(design.columns))
    variants = design.variants

    made = report.build_report(
        posterior,
        fixed([[1 / variants] * variants], 1),
        bandit_worlds.build_one_day_cells([(v, 10.0, 0.0) for v in range(variants)]),
        enabled=np.ones(variants, bool),
        holdout_share=0.1,
        seed=0,
    )

    assert made.interaction_importance is None
    assert made.notes != ()


def spread(columns: int) -> Floats:
    """A covariance of a level and so many coefficients."""
    return np.eye(1 + columns) * 0.01


def report_of_a_truth(crossed: float) -> Report:
    """A sure report of two factors, one twice as strong, and what they do together."""
    eta = np.array([0.0, 0.1, 0.2, 0.3 + crossed]) - 4
    design = bandit_worlds.make_design((2, 2))
    rows = np.concatenate(
        [np.ones((4, 1)), design.rows(np.arange(4), np.zeros(4, int))], 1
    )
    mean = np.linalg.solve(rows, eta)
    posterior = Posterior(design, mean, np.eye(4) * 1e-12)
    cells = bandit_worlds.build_one_day_cells([(v, 10.0, 0.0) for v in range(4)])
    return report.build_report(
        posterior,
        fixed([[0.25] * 4], 1),
        cells,
        enabled=np.ones(4, bool),
        holdout_share=0.1,
        seed=0,
    )


def test_every_figure_is_finite_and_intervals_hold_their_means() -> None:
    made, *_ = learnt()

    numbers = json.dumps(asdict(made), allow_nan=False)
    estimates = [row.expected_reward for row in made.variants]
    estimates += [context.expected_gain for context in made.contexts]
    estimates += [made.expected_reward, sure(made.estimated_improvement_percent)]
    assert all(e.lo < e.mean < e.hi or e.lo == e.mean == e.hi for e in estimates)
    assert 0 <= made.estimated_progress <= 1
    assert sum(row.weight for row in made.variants) == pytest.approx(0.9)
    assert sum(row.prob_best for row in made.variants) == pytest.approx(1)
    assert numbers


def test_a_report_survives_being_stored_as_json() -> None:
    made, *_ = learnt()

    stored = json.loads(json.dumps(report.to_json(made)))

    assert report.from_json(stored) == made


def test_before_any_user_the_report_speaks_of_the_prior() -> None:
    design = bandit_worlds.make_design((2, 2), (2,))
    cells = bandit_worlds.build_one_day_cells([(0, 0, 0)])
    posterior, enabled = fit.fit_posterior(design, cells).posterior, np.ones(4, bool)
    compiled = allocation.compile_policy(posterior, enabled)

    made = report.build_report(
        posterior, compiled, cells, enabled=enabled, holdout_share=0.1, seed=0
    )

    assert made.historic_reward is None
    assert all(0.2 < row.prob_best < 0.3 for row in made.variants)


@pytest.mark.parametrize(
    ("enabled", "holdout_share", "field"),
    [
        (np.ones(4, bool), 1.0, "holdout_share"),
        (np.ones(4, bool), float("nan"), "holdout_share"),
        (np.zeros(4, bool), 0.1, "enabled"),
        (np.ones(3, bool), 0.1, "enabled"),
    ],
)
def test_impossible_arguments_are_refused_by_name(
    enabled: np.ndarray, holdout_share: float, field: str
) -> None:
    _, posterior, compiled, cells = learnt()

    with pytest.raises(ValueError, match=field):
        report.build_report(
            posterior,
            compiled,
            cells,
            enabled=enabled,
            holdout_share=holdout_share,
            seed=0,
        )
