"""The calibration gate where the mix of contexts moves, and nothing else."""

from datetime import date
from typing import Any

import pytest

from metrics.models import Metric
from metrics.stats import BaselineSanity
from optimizations.cube.refresh import NO_LAGS, ObservationCube
from optimizations.results import modeled
from tests.support.value_metrics import OUTCOMES
from warehouse.sql.cube.statement import Cell

DESKTOP, MOBILE, OTHER = 0, 1, 2
WORTH = {"bool": 1.0, "numeric": 40.0, "outcomes": 5.0}
RATES = {DESKTOP: 0.08, MOBILE: 0.03, OTHER: 0.5}


def metric(kind: str) -> Metric:
    """A metric of this kind of reward."""
    mapping = {"reward_type": "bool" if kind == "outcomes" else kind}
    outcomes = OUTCOMES if kind == "outcomes" else None
    return Metric(column_mapping=mapping, outcomes=outcomes)


def held(kind: str, context: int, users: int, times: float = 1.0) -> Cell:
    """A held-out cell that earns `times` what is true of its context."""
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
        value_sum=converted * WORTH[kind],
        value_sum_squares=converted * WORTH[kind] ** 2,
        payers=converted,
        log_sum=0.0,
        log_sum_squares=0.0,
    )


def report(kind: str) -> dict[str, Any]:
    """A report that is right of both contexts, four in five users being on desktop."""
    desktop, mobile = (RATES[each] * WORTH[kind] for each in (DESKTOP, MOBILE))
    mean, sd = 0.8 * desktop + 0.2 * mobile, 0.01 * desktop
    return {
        "baseline_reward": {"mean": mean, "lo": mean - 2 * sd, "hi": mean + 2 * sd},
        "baselines": {
            "means": [desktop, mobile, None, None],
            "places": [[0], [0], [], []],
            "covariance": [[sd**2]],
        },
    }


def gate(kind: str, learned: dict[str, Any], *cells: Cell) -> BaselineSanity:
    """Hold a report against the holdout."""
    observed = ObservationCube(cells, NO_LAGS, 0, 0, None)
    return modeled.check_calibration(learned, observed, metric(kind))


@pytest.mark.parametrize("kind", WORTH)
@pytest.mark.parametrize("desktop", [20_000, 200, 0])
def test_a_mix_that_moves_is_no_miss(kind: str, desktop: int) -> None:
    cells = [held(kind, DESKTOP, desktop), held(kind, MOBILE, 20_000)]

    found = gate(kind, report(kind), *cells)

    assert found.ok is True
    assert found.holdout_mean == pytest.approx(found.model_mean, rel=1e-9)
    assert found.z == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", WORTH)
def test_a_context_that_earns_otherwise_is_a_miss_whatever_the_mix(kind: str) -> None:
    cells = [held(kind, DESKTOP, 5_000), held(kind, MOBILE, 20_000, times=1.5)]

    found = gate(kind, report(kind), *cells)

    assert found.ok is False
    assert found.reason is not None


def test_contexts_that_nobody_had_when_it_was_learned_are_not_compared() -> None:
    known = [held("bool", DESKTOP, 5_000), held("bool", MOBILE, 5_000)]

    found = gate("bool", report("bool"), *known, held("bool", OTHER, 5_000))

    assert found == gate("bool", report("bool"), *known)
    assert found.ok is True


def test_a_report_of_an_earlier_version_is_compared_as_a_whole() -> None:
    earlier = report("bool")
    del earlier["baselines"]

    found = gate("bool", earlier, held("bool", DESKTOP, 40_000))

    assert found.model_mean == earlier["baseline_reward"]["mean"]
    assert found.ok is False
