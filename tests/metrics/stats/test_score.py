"""The score method against published examples, numerical search and scipy."""

import math

import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2_contingency, norm

from metrics.stats import Totals, score
from metrics.stats.normal import CRITICAL, compute_two_sided_p
from metrics.stats.totals import Stratum, compute_weight

Strata = tuple[Stratum, ...]


def make_stratum(x_o: int, n_o: int, x_h: int, n_h: int) -> Stratum:
    return Totals.from_conversions(n_o, x_o), Totals.from_conversions(n_h, x_h)


def draw_strata(*, converted: int = 1, regimes: int = 4) -> st.SearchStrategy[Strata]:
    def arm(users: int) -> st.SearchStrategy[Totals]:
        counts = st.integers(converted, users)
        return counts.map(lambda x: Totals.from_conversions(users, x))

    arms = st.integers(2, 3000).flatmap(arm)
    return st.lists(st.tuples(arms, arms), min_size=1, max_size=regimes).map(tuple)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0528, 0.3382),
        ((9, 10, 3, 10), 0.1700, 0.8406),
        ((6, 7, 2, 7), 0.0342, 0.8534),
        ((5, 56, 0, 29), -0.0326, 0.1933),
    ],
)
def test_differences_agree_with_newcombes_table(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 6
    x_o, n_o, x_h, n_h = counts

    interval = score.compute_difference_interval(
        (make_stratum(*counts),), x_o / n_o - x_h / n_h, CRITICAL
    )

    assert interval == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((36, 40, 16, 80), 2.94, 7.15), ((8, 15, 4, 15), 0.815, 5.336)],
)
def test_ratios_agree_with_koopman_without_the_correction(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    # Koopman, Biometrics 40 (1984); Gart and Nam, Biometrics 44 (1988): no n/(n-1)
    x_o, n_o, x_h, n_h = counts
    without = CRITICAL * math.sqrt((n_o + n_h - 1) / (n_o + n_h))

    interval = score.compute_ratio_interval(
        (make_stratum(*counts),), x_o / n_o / (x_h / n_h), without
    )

    assert interval == pytest.approx((low, high), abs=5e-3)


def test_the_p_value_agrees_with_the_chi_square_test() -> None:
    stratum = make_stratum(130, 1000, 100, 1000)
    table = [[130, 870], [100, 900]]

    z = score.compute_ratio_z((stratum,), 1.0)

    pearson = chi2_contingency(table, correction=False).statistic
    assert z * z == pytest.approx(pearson * (2000 - 1) / 2000)
    assert compute_two_sided_p(z) == pytest.approx(2 * norm.sf(abs(z)))


def search_z(strata: Strata, ratio: float, shift: float) -> float:
    """Return the statistic, with restricted rates from a numerical search."""
    distance = variance = 0.0
    for optimized, holdout in strata:
        x_o, n_o = optimized.value_sum, optimized.users
        x_h, n_h = holdout.value_sum, holdout.users

        def loss(
            p: float, x_o: float = x_o, n_o: int = n_o, x_h: float = x_h, n_h: int = n_h
        ) -> float:
            q = ratio * p + shift
            return -(x_o * math.log(q) + (n_o - x_o) * math.log1p(-q)) - (
                x_h * math.log(p) + (n_h - x_h) * math.log1p(-p)
            )

        bounds = (
            max(1e-12, 1e-12 - shift),
            min(1 - 1e-12, (1 - 1e-12 - shift) / ratio),
        )
        p = minimize_scalar(
            loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}
        ).x
        q, w = ratio * p + shift, compute_weight((optimized, holdout))
        spread = q * (1 - q) / n_o + ratio**2 * p * (1 - p) / n_h
        distance += w * (x_o / n_o - ratio * x_h / n_h - shift)
        variance += w * w * spread * (n_o + n_h) / (n_o + n_h - 1)
    return distance / math.sqrt(variance)


STRATA = (
    make_stratum(60, 900, 5, 100),
    make_stratum(700, 5000, 650, 5000),
    make_stratum(40, 300, 31, 280),
)


@pytest.mark.parametrize("strata", [STRATA, STRATA[:1], STRATA[1:]])
def test_intervals_agree_with_a_numerical_inversion(strata: Strata) -> None:
    total = sum(compute_weight(s) for s in strata)
    rate_o = sum(compute_weight(s) * s[0].mean for s in strata) / total
    rate_h = sum(compute_weight(s) * s[1].mean for s in strata) / total

    ratio = score.compute_ratio_interval(strata, rate_o / rate_h, CRITICAL)
    difference = score.compute_difference_interval(strata, rate_o - rate_h, CRITICAL)

    def find_end(kind: str, sign: int, low: float, high: float) -> float:
        def f(x: float) -> float:
            z = (
                search_z(strata, 1.0, x)
                if kind == "difference"
                else search_z(strata, x, 0.0)
            )
            return z - sign * CRITICAL

        return float(brentq(f, low, high, xtol=1e-10))

    top, gap = rate_o / rate_h, rate_o - rate_h
    assert ratio[0] == pytest.approx(find_end("ratio", 1, 0.2, top), rel=1e-4)
    assert ratio[1] == pytest.approx(find_end("ratio", -1, top, 8.0), rel=1e-4)
    assert difference[0] == pytest.approx(
        find_end("difference", 1, -0.2, gap), abs=1e-5
    )
    assert difference[1] == pytest.approx(
        find_end("difference", -1, gap, 0.3), abs=1e-5
    )


@given(draw_strata(regimes=1), st.floats(-6, 6), st.floats(1e-6, 1))
@settings(max_examples=200, deadline=None)
def test_z_falls_as_the_ratio_grows(
    strata: Strata, log_ratio: float, step: float
) -> None:
    low, high = math.exp(log_ratio), math.exp(log_ratio + step)

    z_low, z_high = (
        score.compute_ratio_z(strata, low),
        score.compute_ratio_z(strata, high),
    )

    assert z_low >= z_high - 1e-9 * max(1.0, abs(z_low))


@given(draw_strata(converted=0), st.floats(1, 6))
@settings(max_examples=200, deadline=None)
def test_zero_is_inside_exactly_if_the_test_accepts_it(
    strata: Strata, critical: float
) -> None:
    total = sum(compute_weight(s) for s in strata)
    rate_o = sum(compute_weight(s) * s[0].mean for s in strata) / total
    rate_h = sum(compute_weight(s) * s[1].mean for s in strata) / total
    excess = abs(score.compute_ratio_z(strata, 1.0)) - critical
    if abs(excess) < 1e-9:
        return

    low, high = score.compute_difference_interval(strata, rate_o - rate_h, critical)

    assert (low <= 0 <= high) == (excess < 0)
    assert low <= rate_o - rate_h <= high
    if rate_o and rate_h:
        low, high = score.compute_ratio_interval(strata, rate_o / rate_h, critical)
        assert (low <= 1 <= high) == (excess < 0)
        assert low <= rate_o / rate_h * (1 + 1e-12)
        assert high >= rate_o / rate_h * (1 - 1e-12)


@given(draw_strata())
@settings(max_examples=100, deadline=None)
def test_swapping_the_arms_inverts_the_ratio(strata: Strata) -> None:
    swapped = tuple((h, o) for o, h in strata)
    total = sum(compute_weight(s) for s in strata)
    ratio = sum(compute_weight(s) * s[0].mean for s in strata) / total
    ratio /= sum(compute_weight(s) * s[1].mean for s in strata) / total

    low, high = score.compute_ratio_interval(strata, ratio, CRITICAL)
    other_low, other_high = score.compute_ratio_interval(swapped, 1 / ratio, CRITICAL)

    assert score.compute_ratio_z(swapped, 1.0) == pytest.approx(
        -score.compute_ratio_z(strata, 1.0), abs=1e-9
    )
    assert other_low == pytest.approx(1 / high, rel=1e-8)
    assert other_high == pytest.approx(1 / low, rel=1e-8)
