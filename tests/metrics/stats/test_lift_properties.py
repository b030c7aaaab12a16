"""Properties of the measured lift that hold for any counts."""

import math
from dataclasses import fields

import pytest
from hypothesis import given, settings, strategies as st

from metrics.stats import Lift, RewardType, Stratum, Totals, amounts, lift
from metrics.stats.totals import select_comparable

LEVEL = 0.05


@st.composite
def draw_rate_arm(draw: st.DrawFn) -> Totals:
    users = draw(st.integers(0, 20_000))
    return Totals.from_conversions(users, draw(st.integers(0, users)))


@st.composite
def draw_amount_arm(draw: st.DrawFn) -> Totals:
    users = draw(st.integers(0, 20_000))
    nonzero = draw(st.integers(0, users))
    mean = draw(st.floats(-1e6, 1e6))
    spread = draw(st.floats(0, 1e6))
    squares = nonzero * (mean * mean + spread * spread)
    is_known = draw(st.booleans())
    return Totals(users, nonzero * mean, squares, nonzero if is_known else None)


def list_regimes(arms: st.SearchStrategy[Totals]) -> st.SearchStrategy[list[Stratum]]:
    return st.lists(st.tuples(arms, arms), max_size=4)


cases = st.one_of(
    st.tuples(list_regimes(draw_rate_arm()), st.just("bool")),
    st.tuples(
        list_regimes(draw_amount_arm()), st.sampled_from(["numeric", "outcomes"])
    ),
)
expected = st.one_of(st.none(), st.integers(1, 10**8))


def fill_ends(interval: tuple[float | None, float | None]) -> tuple[float, float]:
    """Return the interval with an infinite end for one that is withheld."""
    low, high = interval
    return -math.inf if low is None else low, math.inf if high is None else high


def list_numbers(result: Lift) -> list[float]:
    values: list[float] = []
    for entry in fields(result):
        value = getattr(result, entry.name)
        parts = value if isinstance(value, tuple) else (value,)
        values += [part for part in parts if isinstance(part, float)]
    return values


@given(cases, expected)
@settings(max_examples=300, deadline=None)
def test_every_figure_is_finite_or_has_a_reason(
    case: tuple[list[Stratum], RewardType], users: int | None
) -> None:
    strata, kind = case

    result = lift.measure_lift(strata, kind, expected_users=users)

    blank = {e.name for e in fields(result) if getattr(result, e.name) is None}
    for name in ("difference_ci", "difference_ci_anytime"):
        ends = getattr(result, name) or ()
        blank |= {f"{name}[{place}]" for place, end in enumerate(ends) if end is None}
    assert all(math.isfinite(value) for value in list_numbers(result))
    assert blank == set(result.unavailable)
    assert all(result.unavailable.values())


@given(cases, expected)
@settings(max_examples=300, deadline=None)
def test_intervals_contain_the_estimate_and_agree_with_p(
    case: tuple[list[Stratum], RewardType], users: int | None
) -> None:
    strata, kind = case
    result = lift.measure_lift(strata, kind, expected_users=users)

    for estimate, interval, p in (
        (result.lift_percent, result.lift_ci, result.p_value),
        (result.lift_percent, result.lift_ci_anytime, result.p_value_anytime),
        (result.difference, result.difference_ci, result.p_value),
        (result.difference, result.difference_ci_anytime, result.p_value_anytime),
    ):
        if interval is None:
            continue
        assert estimate is not None
        assert p is not None
        low, high = fill_ends(interval)
        slack = 1e-9 * max(
            *(abs(n) for n in (low, high) if math.isfinite(n)), abs(estimate)
        )
        assert low - slack <= estimate <= high + slack
        assert 0 <= p <= 1
        if abs(p - LEVEL) > 1e-6:
            assert (low <= 0 <= high) == (p > LEVEL)


@given(cases, expected)
@settings(max_examples=150, deadline=None)
def test_anytime_figures_are_wider_than_fixed_ones(
    case: tuple[list[Stratum], RewardType], users: int | None
) -> None:
    strata, kind = case
    result = lift.measure_lift(strata, kind, expected_users=users)
    if result.p_value is None:
        return

    assert result.p_value_anytime is not None
    assert result.p_value_anytime >= result.p_value
    for fixed, wide in (
        (result.lift_ci, result.lift_ci_anytime),
        (result.difference_ci, result.difference_ci_anytime),
    ):
        if fixed is not None and wide is not None:
            (low, high), (lowest, highest) = fill_ends(fixed), fill_ends(wide)
            assert lowest <= low
            assert high <= highest


@given(st.integers(100, 5000), st.integers(100, 5000), st.data())
@settings(max_examples=150, deadline=None)
def test_one_more_conversion_raises_the_lift(
    n_o: int, n_h: int, data: st.DataObject
) -> None:
    x_o, x_h = data.draw(st.integers(5, n_o - 6)), data.draw(st.integers(5, n_h - 5))
    holdout = Totals.from_conversions(n_h, x_h)

    less = lift.measure_lift([(Totals.from_conversions(n_o, x_o), holdout)], "bool")
    more = lift.measure_lift([(Totals.from_conversions(n_o, x_o + 1), holdout)], "bool")

    if less.lift_ci is None or more.lift_ci is None:
        return
    assert more.lift_ci[0] > less.lift_ci[0]
    assert more.lift_ci[1] > less.lift_ci[1]


@given(list_regimes(draw_amount_arm()), st.sampled_from([0.01, 3.0, 1024.0]))
@settings(max_examples=150, deadline=None)
def test_the_currency_does_not_matter(strata: list[Stratum], rate: float) -> None:
    def convert(arm: Totals) -> Totals:
        squares = arm.value_sum_squares * rate * rate
        return Totals(arm.users, arm.value_sum * rate, squares, arm.converted)

    here = lift.measure_lift(strata, "numeric")
    there = lift.measure_lift([(convert(o), convert(h)) for o, h in strata], "numeric")

    error = error_of_spread(strata)
    if here.p_value is None or there.p_value is None or math.isinf(error):
        return
    assert here.difference is not None
    sums = max(abs(arm.mean) for stratum in strata for arm in stratum)
    test = amounts.build_difference_test(select_comparable(strata))
    sd = math.sqrt(test.compute_variance(0.0))
    z = here.difference / sd
    error = 1e-15 * sums / sd + error * abs(z)
    assert there.p_value == pytest.approx(
        here.p_value, rel=1e-5 + error * (1 + abs(z)), abs=1e-12
    )
    assert there.difference == pytest.approx(
        here.difference * rate, rel=1e-9, abs=1e-15 * sums * rate
    )


def error_of_spread(strata: list[Stratum]) -> float:
    """Share by which rounding moves a standard error: what is left of sums that cancel.

    Infinite where it decides whether users are said to differ at all: that is so from a
    share of 1e-12 of their squares (Totals.squared_deviations).
    """
    error = 0.0
    for arm in (arm for stratum in strata for arm in stratum if arm.value_sum_squares):
        left = 1 - arm.value_sum * arm.mean / arm.value_sum_squares
        if 5e-13 < left < 2e-12:
            return math.inf
        error = max(error, 1e-15 / left if left > 1e-12 else 0.0)
    return error


@given(list_regimes(draw_rate_arm()))
@settings(max_examples=150, deadline=None)
def test_swapping_the_arms_keeps_the_p_values(strata: list[Stratum]) -> None:
    here = lift.measure_lift(strata, "bool")
    there = lift.measure_lift([(h, o) for o, h in strata], "bool")

    if here.p_value is None:
        return
    assert there.p_value == pytest.approx(here.p_value, rel=1e-7, abs=1e-300)
    assert there.p_value_anytime == pytest.approx(
        here.p_value_anytime, rel=1e-6, abs=1e-300
    )
    if here.difference_ci is not None:
        assert there.difference_ci is not None
        low, high = here.difference_ci
        assert low is not None
        assert high is not None
        assert there.difference_ci == pytest.approx((-high, -low), abs=1e-8)
