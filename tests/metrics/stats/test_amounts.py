"""The measured lift of amounts: known results, and what is withheld and why."""

import math

import pytest
from scipy.stats import ttest_ind_from_stats

from metrics.stats import Direction, Totals, judge_guardrail, lift


def make_amounts(n: int, payers: int, mean: float, sd: float) -> Totals:
    total, squares = payers * mean, payers * (mean**2 + sd**2)
    return Totals(n, total, squares, payers)


def test_amounts_of_equal_variance_agree_with_a_t_test() -> None:
    a, b = Totals(900, 9900.0, 112_500.0, 900), Totals(900, 9000.0, 93_600.0, 900)

    result = lift.measure_lift([(a, b)], "numeric")

    sds = [math.sqrt(t.squared_deviations / (t.users - 1)) for t in (a, b)]
    welch = ttest_ind_from_stats(11, sds[0], 900, 10, sds[1], 900, equal_var=False)
    assert result.lift_percent == pytest.approx(10.0)
    assert result.difference == pytest.approx(1.0)
    assert result.p_value == pytest.approx(welch.pvalue, abs=1e-4)


def test_the_ends_of_the_difference_are_just_rejected_by_the_variance_under_them() -> (
    None
):
    optimized, holdout = make_amounts(9000, 500, 12, 9), make_amounts(1000, 60, 10, 9)

    result = lift.measure_lift([(optimized, holdout)], "numeric")

    assert result.difference_ci is not None
    for d in result.difference_ci:
        assert d is not None
        r = (holdout.mean + d) / holdout.mean
        if d < 0:
            r = optimized.mean / (optimized.mean - d)
        ss_o, ss_h = optimized.squared_deviations, holdout.squared_deviations
        own = ss_o / 8999 / 9000 + ss_h / 999 / 1000
        more, larger = (
            (ss_o / s + ss_h) / 9998 * (s / 9000 + 1 / 1000) for s in (r, r * r)
        )
        z = (optimized.mean - holdout.mean - d) / math.sqrt(max(own, more, larger))
        assert abs(z) == pytest.approx(1.959964, rel=1e-6)


def test_an_end_that_the_data_do_not_bound_is_withheld_alone() -> None:
    optimized, holdout = make_amounts(9000, 450, 12, 30), make_amounts(1000, 50, 6, 12)

    result = lift.measure_lift([(optimized, holdout)], "numeric")

    assert result.difference_ci_anytime is not None
    low, high = result.difference_ci_anytime
    assert low is None
    assert high is not None
    assert result.unavailable["difference_ci_anytime[0]"] == (
        "the holdout has too few payments to say how much less"
    )


def test_reasons_of_outcomes_do_not_speak_of_payments() -> None:
    arms = make_amounts(9000, 450, 12, 30), make_amounts(1000, 50, 6, 12)

    result = lift.measure_lift([arms], "outcomes")

    assert result.unavailable["difference_ci_anytime[0]"] == (
        "the holdout has too few users with an outcome to say how much less"
    )


def test_a_holdout_that_loses_money_has_a_difference_and_no_percentage() -> None:
    optimized = make_amounts(5000, 4500, -3, 3)
    holdout = make_amounts(5000, 4500, -6, 3)

    result = lift.measure_lift([(optimized, holdout)], "numeric")
    turned = lift.measure_lift(
        [(make_amounts(5000, 4500, 3, 3), make_amounts(5000, 4500, 6, 3))], "numeric"
    )

    assert result.lift_percent is None
    assert result.unavailable["lift_percent"].startswith(
        "the holdout mean is below zero"
    )
    assert result.difference == pytest.approx(2.7)
    assert result.difference_ci_anytime is not None
    assert turned.difference_ci_anytime is not None
    low, high = turned.difference_ci_anytime
    assert low is not None
    assert high is not None
    assert result.difference_ci_anytime == pytest.approx((-high, -low))
    assert result.difference_ci_anytime[0] is not None
    assert result.difference_ci_anytime[0] > 0


def test_the_ends_of_fiellers_interval_are_just_rejected() -> None:
    optimized, holdout = make_amounts(9000, 500, 12, 9), make_amounts(1000, 60, 10, 9)

    result = lift.measure_lift([(optimized, holdout)], "numeric")

    assert result.lift_ci is not None
    for percent in result.lift_ci:
        r = 1 + percent / 100
        ss_o, ss_h = optimized.squared_deviations, r * r * holdout.squared_deviations
        separate = ss_o / 8999 / 9000 + ss_h / 999 / 1000
        larger = (ss_o + ss_h) / 9998 * (1 / 9000 + 1 / 1000)
        more = (ss_o / r + ss_h / (r * r)) / 9998 * (r / 9000 + r * r / 1000)
        distance = optimized.mean - r * holdout.mean
        z = distance / math.sqrt(max(separate, larger, more))
        assert abs(z) == pytest.approx(1.959964, rel=1e-6)


def test_a_holdout_mean_that_may_be_zero_has_no_ratio_but_a_difference() -> None:
    optimized, holdout = (
        make_amounts(1000, 400, 5.0, 30.0),
        make_amounts(1000, 400, 0.5, 30.0),
    )

    result = lift.measure_lift([(optimized, holdout)], "numeric")

    assert result.lift_percent is None
    assert result.lift_ci is None
    reason = (
        "the holdout mean is not clearly above zero, so a percentage of it says nothing"
    )
    assert result.unavailable["lift_ci"] == f"{reason}: read the difference"
    assert result.difference == pytest.approx(1.8)
    assert result.difference_ci is not None
    assert result.p_value is not None


def test_amounts_without_variance_have_no_interval() -> None:
    same = Totals(500, 500.0, 500.0, 500)

    result = lift.measure_lift([(same, same)], "numeric")

    assert result.difference == 0
    assert result.p_value is None
    assert result.unavailable["p_value"] == (
        "the sums of both arms show no difference between users' values"
    )


def test_amounts_that_differ_by_less_than_their_rounding_do_differ() -> None:
    deviations = 1000 * 0.5**2
    arms = [
        Totals(1000, 1000 * mean, 1000 * mean**2 + deviations, 1000)
        for mean in (1_000_000.0, 1_000_005.0)
    ]

    result = lift.measure_lift([(arms[0], arms[1])], "numeric")

    assert result.unavailable == {}
    assert result.difference_ci_anytime is not None
    low, high = result.difference_ci_anytime
    assert low is not None
    assert -5.5 < low < -5
    assert high is not None
    assert -5 < high < -4.5


@pytest.mark.parametrize(
    ("stratum", "direction"),
    [
        pytest.param(
            (Totals(100_000, 0.0, 0.0, 0), make_amounts(10_000, 3_000, 3, 1)),
            "increase",
            id="nobody pays any more",
        ),
        pytest.param(
            (make_amounts(28_800, 20_000, 4.22, 1), Totals(3_200, 0.0, 0.0, 0)),
            "decrease",
            id="a cost appears",
        ),
    ],
)
def test_an_arm_without_payers_is_compared_where_their_shares_differ_for_certain(
    stratum: tuple[Totals, Totals], direction: Direction
) -> None:
    result = lift.measure_lift([stratum], "numeric", direction=direction)

    assert result.p_value_anytime is not None
    assert result.p_value_anytime < 1e-9
    assert result.difference_ci is not None
    assert result.lift_ci_anytime is None
    assert "show no difference" not in str(result.unavailable)
    assert judge_guardrail(result, 0.001) == "violated"


def test_few_payers_in_an_arm_stay_withheld_where_few_are_expected() -> None:
    stratum = make_amounts(9000, 40, 10, 5), make_amounts(1000, 0, 10, 5)

    result = lift.measure_lift([stratum], "numeric")

    assert result.p_value is None
    assert result.unavailable["p_value"].startswith(
        "the holdout arm has 0 users with a value other than 0"
    )


def test_huge_amounts_do_not_overflow() -> None:
    big = [Totals(1000, s * 1e150, s * 1.5e300, 900) for s in (1000.0, 900.0)]

    result = lift.measure_lift([(big[0], big[1])], "numeric")

    assert result.unavailable == {}
    assert result.p_value is not None
    assert 0 <= result.p_value <= 1


def test_one_user_and_one_conversion_are_singular() -> None:
    user = lift.measure_lift(
        [(Totals.from_conversions(9000, 450), Totals.from_conversions(1, 0))], "bool"
    )
    rewarded = make_amounts(200, 1, 12, 0), make_amounts(1000, 50, 6, 12)

    conversion = lift.measure_lift([rewarded], "numeric")

    assert user.unavailable["p_value"] == ("the holdout arm has 1 user; 100 are needed")
    assert conversion.unavailable["p_value"] == (
        "the optimized arm has 1 user with a value other than 0; 5 are needed"
    )


def test_a_holdout_mean_above_zero_at_one_look_alone_has_no_percentage() -> None:
    """Its standard error is 0.4 of it: 2.5 of them suffice at one look, not at all."""
    optimized = make_amounts(1000, 400, 200.0, 30.0)
    holdout = make_amounts(1000, 400, 3.75, 30.0)

    result = lift.measure_lift([(optimized, holdout)], "numeric")

    for name in ("lift_percent", "lift_ci", "lift_ci_anytime", "lift_ci_delta"):
        assert getattr(result, name) is None
        assert result.unavailable[name] == (
            "the holdout mean is not clearly above zero at the level that allows daily "
            "looks: read the difference"
        )
    assert result.difference == pytest.approx(78.5)
    assert result.p_value_anytime is not None
    assert result.p_value_anytime < 0.05
