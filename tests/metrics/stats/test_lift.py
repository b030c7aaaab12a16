"""The measured lift: known results, and what is withheld and why."""

import math
from dataclasses import fields

import pytest

from metrics.stats import Direction, Lift, Totals, judge_guardrail, lift
from metrics.stats.lift_result import explain_blanks
from metrics.stats.rates import CONTRADICTORY, NO_DELTA

ONE_LOOK = ("difference_ci", "lift_ci", "lift_ci_delta", "p_value")


def make_rates(x_o: int, n_o: int, x_h: int, n_h: int) -> tuple[Totals, Totals]:
    return Totals.from_conversions(n_o, x_o), Totals.from_conversions(n_h, x_h)


def test_a_plain_comparison_gives_every_figure() -> None:
    result = lift.measure_lift(
        [make_rates(1080, 9000, 100, 1000)], "bool", expected_users=10_000
    )

    assert (result.optimization_users, result.holdout_users) == (9000, 1000)
    assert (result.optimization_rate, result.holdout_rate) == pytest.approx((0.12, 0.1))
    assert result.lift_percent == pytest.approx(20.0)
    assert result.difference == pytest.approx(0.02)
    assert result.lift_ci == pytest.approx((-0.965, 45.908), abs=0.001)
    assert result.p_value == pytest.approx(0.0629, abs=1e-4)
    assert result.unavailable == {}


def test_the_delta_interval_agrees_with_the_published_formula() -> None:
    result = lift.measure_lift([make_rates(1080, 9000, 100, 1000)], "bool")

    variance = 0.12 * 0.88 / 8999 / 0.1**2 + 0.12**2 * (0.1 * 0.9 / 999) / 0.1**4
    half = 100 * 1.959964 * math.sqrt(variance)
    assert result.lift_ci_delta == pytest.approx((20 - half, 20 + half), rel=1e-6)


def test_a_cut_holdout_during_a_rising_base_rate_is_no_lift() -> None:
    before = make_rates(2500, 50_000, 2500, 50_000)
    after = make_rates(5400, 90_000, 600, 10_000)

    result = lift.measure_lift([before, after], "bool")
    unstratified = lift.measure_lift(
        [(before[0] + after[0], before[1] + after[1])], "bool"
    )

    assert result.lift_percent == pytest.approx(0.0, abs=1e-9)
    assert result.p_value == pytest.approx(1.0)
    assert unstratified.lift_percent == pytest.approx(9.2, abs=0.1)
    assert unstratified.p_value is not None
    assert unstratified.p_value < 0.001


def test_regimes_without_a_holdout_contribute_nothing() -> None:
    regime = make_rates(120, 1000, 100, 1000)
    without_holdout = make_rates(4000, 5000, 0, 0)

    both = lift.measure_lift([regime, without_holdout], "bool")

    assert both == lift.measure_lift([regime], "bool")


@pytest.mark.parametrize(
    ("stratum", "reason"),
    [
        (make_rates(50, 1000, 8, 99), "the holdout arm has 99 users; 100 are needed"),
        (make_rates(50, 1000, 4, 100), "fewer than 10 conversions"),
        (make_rates(9, 1000, 9, 1000), "fewer than 10 conversions"),
        (
            make_rates(998, 1000, 995, 1000),
            "fewer than 10 conversions (or users without",
        ),
        (make_rates(20, 1000, 8, 100), "fewer than 10 conversions"),
    ],
)
def test_too_few_data_for_one_look_are_withheld_with_a_reason(
    stratum: tuple[Totals, Totals], reason: str
) -> None:
    result = lift.measure_lift([stratum], "bool")

    assert set(result.unavailable) == set(ONE_LOOK)
    assert all(getattr(result, name) is None for name in ONE_LOOK)
    assert all(text.startswith(reason) for text in result.unavailable.values())
    assert result.p_value_anytime is not None
    assert result.lift_ci_anytime is not None
    assert result.lift_percent is not None


@pytest.mark.parametrize(
    ("stratum", "more"),
    [
        pytest.param(make_rates(3, 90_000, 500, 10_000), False, id="a checkout breaks"),
        pytest.param(
            make_rates(0, 9_000, 150, 1_000), False, id="a checkout fails for all"
        ),
        pytest.param(make_rates(1_800, 90_000, 4, 10_000), True, id="crashes appear"),
        pytest.param(
            make_rates(900, 9_000, 0, 1_000), True, id="crashes appear from zero"
        ),
        pytest.param(
            make_rates(9_000, 9_000, 900, 1_000), True, id="everybody converts"
        ),
    ],
)
def test_extreme_changes_are_published(
    stratum: tuple[Totals, Totals], *, more: bool
) -> None:
    result = lift.measure_lift([stratum], "bool")

    assert result.p_value_anytime is not None
    assert result.difference_ci_anytime is not None
    assert result.p_value_anytime < 1e-4
    low, high = result.difference_ci_anytime
    assert low is not None
    assert high is not None
    assert (low > 0) == more
    assert (high < 0) != more
    direction: Direction = "decrease" if more else "increase"
    assert judge_guardrail(result, 0.05, direction) == "violated"
    assert ("lift_percent" in result.unavailable) == (result.holdout_rate == 0)


def test_no_regimes_give_a_reason() -> None:
    result = lift.measure_lift([], "numeric")

    assert result.holdout_users == result.optimization_users == 0
    assert result.holdout_rate is None
    assert set(result.unavailable.values()) == {
        "no measuring period has mature users in both arms"
    }


def test_bool_totals_must_be_counts() -> None:
    with pytest.raises(ValueError, match="number of converted users"):
        lift.measure_lift(
            [(Totals(100, 120.0, 120.0), Totals(100, 50.0, 50.0))], "bool"
        )


def test_an_infinity_becomes_a_blank_with_its_reason() -> None:
    infinite = Lift("bool", "increase", 1, 1, lift_ci=(0.0, math.inf), p_value=math.nan)

    result = explain_blanks(infinite, {"lift_ci": "no upper end"}, "unknown")

    assert result.lift_ci is None
    assert result.p_value is None
    assert result.unavailable["lift_ci"] == "no upper end"
    assert result.unavailable["p_value"] == "unknown"
    names = {entry.name for entry in fields(result)}
    assert set(result.unavailable) < names


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("users", [(630, 70), (9000, 60), (350, 350), (350, 4)])
def test_one_regime_without_a_conversion_of_the_optimized_arm_contradicts_nothing(
    users: tuple[int, int], alpha: float
) -> None:
    n_o, n_h = users
    for x_h in (1, n_h // 2, n_h):
        result = lift.measure_lift(
            [make_rates(0, n_o, x_h, n_h)], "bool", anytime_alpha=alpha
        )

        assert CONTRADICTORY not in result.unavailable.values()
        if result.lift_ci is not None:
            assert result.unavailable["lift_ci_delta"] == NO_DELTA
