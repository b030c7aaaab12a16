"""The calibration gate where only the mix of contexts changes."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from metrics.models import Metric
from metrics.stats import BaselineSanity
from optimizations.cube.refresh import NO_LAGS, ObservationCube
from optimizations.results.checks import calibration
from tests.support.cube_columns import make_days
from tests.support.value_metrics import OUTCOMES
from warehouse.sql.cube.statement import Cell

DESKTOP, MOBILE, OTHER = 0, 1, 2
VALUES = {"bool": 1.0, "numeric": 40.0, "outcomes": 5.0}
RATES = {DESKTOP: 0.08, MOBILE: 0.03, OTHER: 0.5}


def make_metric(kind: str) -> Metric:
    """Make a metric of this reward type."""
    mapping = {"reward_type": "bool" if kind == "outcomes" else kind}
    outcomes = OUTCOMES if kind == "outcomes" else None
    return Metric(column_mapping=mapping, outcomes=outcomes)


def make_holdout_cell(kind: str, context: int, users: int, times: float = 1.0) -> Cell:
    """Make a cell of the holdout that earns `times` the true rate of its context."""
    converted = round(users * RATES[context] * times)
    return Cell(
        regime=1,
        day=date(2026, 1, 14),
        policy_version=0,
        holdout=True,
        variant=1,
        context=context,
        outcome=None,
        mature=True,
        hour=None,
        users=users,
        exposures=users,
        converted=converted,
        value_sum=converted * VALUES[kind],
        value_sum_squares=converted * VALUES[kind] ** 2,
        payers=converted,
        log_sum=0.0,
        log_sum_squares=0.0,
    )


def make_report(kind: str) -> dict[str, Any]:
    """Make a report that is right for both contexts, with 80% of users on desktop."""
    desktop, mobile = (RATES[context] * VALUES[kind] for context in (DESKTOP, MOBILE))
    mean, sd = 0.8 * desktop + 0.2 * mobile, 0.01 * desktop
    return {
        "baseline_reward": {"mean": mean, "lo": mean - 2 * sd, "hi": mean + 2 * sd},
        "baselines": {
            "means": [desktop, mobile, None, None],
            "places": [[0], [0], [], []],
            "covariance": [[sd**2]],
        },
    }


def check(kind: str, report: dict[str, Any], *cells: Cell) -> BaselineSanity:
    """Check a report against the holdout."""
    cube = ObservationCube(make_days(cells), NO_LAGS, 0, 0, None)
    return calibration.check_calibration(report, cube, make_metric(kind))


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("desktop", [20_000, 200, 0])
def test_a_changed_mix_of_contexts_passes(kind: str, desktop: int) -> None:
    cells = [
        make_holdout_cell(kind, DESKTOP, desktop),
        make_holdout_cell(kind, MOBILE, 20_000),
    ]

    sanity = check(kind, make_report(kind), *cells)

    assert sanity.ok is True
    assert sanity.holdout_mean == pytest.approx(sanity.model_mean, rel=1e-9)
    assert sanity.z == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", VALUES)
def test_a_context_with_another_rate_fails_whatever_the_mix(kind: str) -> None:
    cells = [
        make_holdout_cell(kind, DESKTOP, 5_000),
        make_holdout_cell(kind, MOBILE, 20_000, times=1.5),
    ]

    sanity = check(kind, make_report(kind), *cells)

    assert sanity.ok is False
    assert sanity.reason is not None


@pytest.mark.parametrize("kind", VALUES)
def test_a_holdout_that_lost_its_rewards_fails_for_every_kind(kind: str) -> None:
    lost = make_holdout_cell(kind, DESKTOP, 1_019, times=0)
    optimized = replace(make_holdout_cell(kind, DESKTOP, 5_000), holdout=False)

    sanity = check(kind, make_report(kind), lost, optimized)

    assert sanity.ok is False
    assert sanity.holdout_mean == 0


def test_contexts_that_no_user_had_in_training_are_not_compared() -> None:
    trained = [
        make_holdout_cell("bool", DESKTOP, 5_000),
        make_holdout_cell("bool", MOBILE, 5_000),
    ]

    sanity = check(
        "bool", make_report("bool"), *trained, make_holdout_cell("bool", OTHER, 5_000)
    )

    assert sanity == check("bool", make_report("bool"), *trained)
    assert sanity.ok is True


def test_a_report_without_baselines_by_context_is_compared_as_a_whole() -> None:
    earlier = make_report("bool")
    del earlier["baselines"]

    sanity = check("bool", earlier, make_holdout_cell("bool", DESKTOP, 40_000))

    assert sanity.model_mean == earlier["baseline_reward"]["mean"]
    assert sanity.ok is False
