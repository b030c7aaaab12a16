"""Small seeded versions of the studies T4, T9, T10 and T14."""

import numpy as np
import pytest

from benchmarks.statistics import (
    adaptive,
    confounding,
    headlines,
    late_conversions,
    less_is_better,
    report,
)
from benchmarks.statistics.prior_worlds import Setting
from benchmarks.statistics.truths import QUANTITIES

RUNS, ERRORS = 16, 4.0
# Published for too few of so few worlds; `benchmarks.statistics.adaptive` has its coverage.
SELDOM = {"personalization"}
NO_CONTEXT = Setting((3, 2), (), 0.05, 2_000, days=8)
CONTEXT = Setting((3, 2), (2,), 0.05, 2_000, days=8)


@pytest.fixture(scope="module")
def adapted() -> list[adaptive.Row]:
    """Learn worlds from the prior once, for several tests."""
    return adaptive.run_study(RUNS, 1, (NO_CONTEXT, CONTEXT))


@pytest.mark.parametrize("quantity", sorted(QUANTITIES.keys() - SELDOM))
def test_t4_intervals_cover_after_adaptive_allocation(
    adapted: list[adaptive.Row], quantity: str
) -> None:
    averages = [row.covered[quantity] for row in adapted]
    known = [covered for covered in averages if covered.runs > 4]

    assert known
    for covered in known:
        assert covered.value > 0.95 - ERRORS * np.sqrt(0.05 * 0.95 / covered.runs)


def test_modeled_headlines_claim_nothing_of_equal_variants() -> None:
    alike = headlines.run_study(24, 1, (headlines.DESIGNS[1],), (0,))
    better = headlines.run_study(10, 1, (headlines.DESIGNS[0],), (60,))

    for row in alike:
        assert row.median.value > 0.02  # what the policy leans to did well by luck
        assert abs(row.headline.value) < 0.01 + ERRORS * 0.005
        assert row.shown_share.value < 0.1
    for row in better:
        assert row.shown_share.value > 0.5
        bias = row.shown.value - row.truth_shown.value
        assert abs(bias) < 0.1 + ERRORS * row.shown.error


def test_t14_central_intervals_cover_as_often_as_they_say(
    adapted: list[adaptive.Row],
) -> None:
    for row in adapted:
        for level, covered in row.levels.items():
            share = float(level.removesuffix("%")) / 100
            error = np.sqrt(share * (1 - share) / covered.runs)
            assert abs(covered.value - share) < ERRORS * error, (level, covered)


def test_t14_the_leader_is_the_best_as_often_as_claimed(
    adapted: list[adaptive.Row],
) -> None:
    for row in adapted:
        gap = row.leaders_claimed.value - row.leaders_right.value
        assert abs(gap) < ERRORS * np.sqrt(0.25 / RUNS)
        assert 0.3 < row.leaders_claimed.value < 1


def test_t9_a_variant_that_converts_later_is_not_taken_for_a_worse_one() -> None:
    better = late_conversions.World(0.1, 2_000, 120.0, effect=0.2)

    (row,) = late_conversions.run_study(6, 2, (better,))

    assert row.product.share.value > 0.65
    assert abs(row.product.bias.value) < 0.03 + ERRORS * row.product.bias.error
    assert row.naive.share.value < row.product.share.value - 0.3
    assert row.naive.bias.value < row.product.bias.value - 0.08


@pytest.mark.parametrize("time", confounding.USERS)
@pytest.mark.parametrize("effect", [0.0, -0.1])
def test_t10_a_moving_base_rate_does_not_bias_the_contrast(
    time: confounding.Time, effect: float
) -> None:
    world = confounding.World(time, None, confounding.USERS[time], effect)

    (row,) = confounding.run_study(20, 3, (world,))

    assert abs(row.bias) < 0.3 + ERRORS * row.bias_error
    assert row.covered.value > 0.75
    assert row.called_better.value < 0.25
    assert row.raw_called_better.value == 1


def test_t12_less_of_amounts_is_learned_as_fast_as_more() -> None:
    (row,) = less_is_better.run_study(3, 4, ("lognormal 1",))

    assert row.gap == 0
    assert row.regret["less"].value == row.regret["more of negatives"].value
    assert abs(row.extra["less"].value) < 0.05 + ERRORS * row.extra["less"].error
    assert row.regret["less"].value < row.regret["less, by sums"].value


def test_an_average_counts_each_run_once_and_leaves_out_empty_runs() -> None:
    average = report.compute_average([[1, 1, 1, 0], [0], []])

    assert (average.value, average.runs) == (0.375, 2)
    assert average.error == pytest.approx(0.375)
    assert str(report.compute_average([])) == "-"
