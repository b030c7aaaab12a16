"""The measured lift: known answers, what is withheld and why."""

import math
from dataclasses import fields

import pytest
from scipy.stats import ttest_ind_from_stats

from metrics.stats import Direction, Lift, Totals, judge_guardrail, lift
from metrics.stats.lift_result import explain_blanks

FIGURES = (
    "difference_ci",
    "difference_ci_anytime",
    "lift_percent",
    "lift_ci",
    "lift_ci_delta",
    "lift_ci_anytime",
    "p_value",
    "p_value_anytime",
)


def rates(x_o: int, n_o: int, x_h: int, n_h: int) -> tuple[Totals, Totals]:
    return Totals.from_conversions(n_o, x_o), Totals.from_conversions(n_h, x_h)


def test_a_plain_comparison_gives_every_figure() -> None:
    found = lift.measure_lift(
        [rates(1080, 9000, 100, 1000)], "bool", expected_users=10_000
    )

    assert (found.optimization_users, found.holdout_users) == (9000, 1000)
    assert (found.optimization_rate, found.holdout_rate) == pytest.approx((0.12, 0.1))
    assert found.lift_percent == pytest.approx(20.0)
    assert found.difference == pytest.approx(0.02)
    assert found.lift_ci == pytest.approx((-0.965, 45.908), abs=0.001)
    assert found.p_value == pytest.approx(0.0629, abs=1e-4)
    assert found.unavailable == {}


def test_the_delta_interval_is_the_published_formula() -> None:
    found = lift.measure_lift([rates(1080, 9000, 100, 1000)], "bool")

    variance = 0.12 * 0.88 / 8999 / 0.1**2 + 0.12**2 * (0.1 * 0.9 / 999) / 0.1**4
    half = 100 * 1.959964 * math.sqrt(variance)
    assert found.lift_ci_delta == pytest.approx((20 - half, 20 + half), rel=1e-6)


def test_a_cut_holdout_during_a_rising_base_rate_is_no_lift() -> None:
    before = rates(2500, 50_000, 2500, 50_000)
    after = rates(5400, 90_000, 600, 10_000)

    found = lift.measure_lift([before, after], "bool")
    thrown_together = lift.measure_lift(
        [(before[0] + after[0], before[1] + after[1])], "bool"
    )

    assert found.lift_percent == pytest.approx(0.0, abs=1e-9)
    assert found.p_value == pytest.approx(1.0)
    assert thrown_together.lift_percent == pytest.approx(9.2, abs=0.1)
    assert thrown_together.p_value is not None
    assert thrown_together.p_value < 0.001


def test_regimes_without_a_holdout_contribute_nothing() -> None:
    compared = rates(120, 1000, 100, 1000)
    alone = (Totals.from_conversions(5000, 4000), Totals.from_conversions(0, 0))

    assert lift.measure_lift([compared, alone], "bool") == lift.measure_lift(
        [compared], "bool"
    )


@pytest.mark.parametrize(
    ("stratum", "reason"),
    [
        (rates(50, 1000, 20, 99), "the holdout arm has 99 users, 100 are needed"),
        (rates(50, 1000, 4, 100), "fewer than 10 conversions"),
        (rates(9, 1000, 9, 1000), "fewer than 10 conversions"),
        (rates(998, 1000, 995, 1000), "fewer than 10 conversions (or users without"),
        (rates(20, 1000, 8, 100), "fewer than 10 conversions"),
    ],
)
def test_thin_data_are_withheld_with_a_reason(
    stratum: tuple[Totals, Totals], reason: str
) -> None:
    found = lift.measure_lift([stratum], "bool")

    assert all(getattr(found, name) is None for name in FIGURES)
    assert set(found.unavailable) == set(FIGURES)
    assert all(text.startswith(reason) for text in found.unavailable.values())
    assert found.holdout_rate is not None
    assert found.difference is not None


@pytest.mark.parametrize(
    ("stratum", "more"),
    [
        pytest.param(rates(3, 90_000, 500, 10_000), False, id="a checkout breaks"),
        pytest.param(rates(0, 9_000, 150, 1_000), False, id="wholly"),
        pytest.param(rates(1_800, 90_000, 4, 10_000), True, id="crashes come up"),
        pytest.param(rates(900, 9_000, 0, 1_000), True, id="from nothing"),
        pytest.param(rates(9_000, 9_000, 900, 1_000), True, id="everybody converts"),
    ],
)
def test_the_worse_it_is_the_sooner_it_is_told(
    stratum: tuple[Totals, Totals], *, more: bool
) -> None:
    found = lift.measure_lift([stratum], "bool")

    assert found.p_value_anytime is not None
    assert found.difference_ci_anytime is not None
    assert found.p_value_anytime < 1e-4
    low, high = found.difference_ci_anytime
    assert (low > 0) == more
    assert (high < 0) != more
    guard: Direction = "decrease" if more else "increase"
    assert judge_guardrail(found, guard) == "violated"
    assert ("lift_percent" in found.unavailable) == (found.holdout_rate == 0)


def test_nothing_to_compare_is_said() -> None:
    found = lift.measure_lift([], "numeric")

    assert found.holdout_users == found.optimization_users == 0
    assert found.holdout_rate is None
    assert set(found.unavailable.values()) == {"no regime has users in both arms"}


def amounts(n: int, payers: int, mean: float, sd: float) -> Totals:
    total, squares = payers * mean, payers * (mean**2 + sd**2)
    return Totals(n, total, squares, payers)


def test_amounts_of_equal_spread_are_a_t_test() -> None:
    a, b = Totals(900, 9900.0, 112_500.0, 900), Totals(900, 9000.0, 93_600.0, 900)

    found = lift.measure_lift([(a, b)], "numeric")

    sds = [math.sqrt(t.squared_deviations / (t.users - 1)) for t in (a, b)]
    welch = ttest_ind_from_stats(11, sds[0], 900, 10, sds[1], 900, equal_var=False)
    assert found.lift_percent == pytest.approx(10.0)
    assert found.difference == pytest.approx(1.0)
    assert found.p_value == pytest.approx(welch.pvalue, abs=1e-4)
    se = math.sqrt(sds[0] ** 2 / 900 + sds[1] ** 2 / 900)
    expected = (1 - 1.959964 * se, 1 + 1.959964 * se)
    assert found.difference_ci == pytest.approx(expected, rel=1e-6)


def test_fiellers_ends_are_the_ratios_just_rejected() -> None:
    optimized, holdout = amounts(9000, 500, 12, 9), amounts(1000, 60, 10, 9)

    found = lift.measure_lift([(optimized, holdout)], "numeric")

    assert found.lift_ci is not None
    for percent in found.lift_ci:
        r = 1 + percent / 100
        ss_o, ss_h = optimized.squared_deviations, r * r * holdout.squared_deviations
        separate = ss_o / 8999 / 9000 + ss_h / 999 / 1000
        pooled = (ss_o + ss_h) / 9998 * (1 / 9000 + 1 / 1000)
        distance = optimized.mean - r * holdout.mean
        z = distance / math.sqrt(max(separate, pooled))
        assert abs(z) == pytest.approx(1.959964, rel=1e-6)


def test_a_holdout_mean_that_may_be_zero_has_no_ratio_but_a_difference() -> None:
    optimized, holdout = amounts(1000, 400, 5.0, 30.0), amounts(1000, 400, 0.5, 30.0)

    found = lift.measure_lift([(optimized, holdout)], "numeric")

    assert found.lift_percent is None
    assert found.lift_ci is None
    assert found.unavailable["lift_ci"] == "the holdout mean is not clearly above zero"
    assert found.difference == pytest.approx(1.8)
    assert found.difference_ci is not None
    assert found.p_value is not None


def test_amounts_without_spread_have_no_interval() -> None:
    same = Totals(500, 500.0, 500.0, 500)

    found = lift.measure_lift([(same, same)], "numeric")

    assert found.difference == 0
    assert found.p_value is None
    assert found.unavailable["p_value"] == "all users of both arms have the same value"


def test_enormous_amounts_do_not_overflow() -> None:
    big = [Totals(1000, s * 1e150, s * 1.5e300, 900) for s in (1000.0, 900.0)]

    found = lift.measure_lift([(big[0], big[1])], "numeric")

    assert found.unavailable == {}
    assert found.p_value is not None
    assert 0 <= found.p_value <= 1


def test_less_is_better_where_the_direction_says_so() -> None:
    fewer = [rates(500, 10_000, 800, 10_000)]

    assert lift.measure_lift(fewer, "bool", direction="decrease").verdict == "better"
    assert lift.measure_lift(fewer, "bool").verdict == "worse"
    assert (
        lift.measure_lift([rates(500, 10_000, 510, 10_000)], "bool").verdict
        == "undecided"
    )


def test_bool_totals_must_be_counts() -> None:
    with pytest.raises(ValueError, match="counts converted users"):
        lift.measure_lift(
            [(Totals(100, 120.0, 120.0), Totals(100, 50.0, 50.0))], "bool"
        )


def test_an_infinity_becomes_a_blank_with_its_reason() -> None:
    unstated = Lift("bool", "increase", 1, 1, lift_ci=(0.0, math.inf), p_value=math.nan)

    found = explain_blanks(unstated, {"lift_ci": "no upper end"}, "unknown")

    assert found.lift_ci is None
    assert found.p_value is None
    assert found.unavailable["lift_ci"] == "no upper end"
    assert found.unavailable["p_value"] == "unknown"
    named = {entry.name for entry in fields(found)}
    assert set(found.unavailable) < named
