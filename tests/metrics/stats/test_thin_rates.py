"""Thin rates: the e-value is the formula, is valid, and agrees with its intervals."""

import math

import numpy as np
import pytest
from scipy.special import betaln, logsumexp
from scipy.stats import binom

from metrics.stats import Direction, Stratum, Totals, judge_guardrail, lift, score
from metrics.stats.log_gamma import compute_log_beta, compute_log_gamma
from metrics.stats.restricted_rates import (
    RateCounts,
    fit_rates_under_difference,
    fit_rates_under_ratio,
)
from metrics.stats.thin_rates import ThinRates
from tests.support import intervals


def make_stratum(x_o: int, n_o: int, x_h: int, n_h: int) -> Stratum:
    return Totals.from_conversions(n_o, x_o), Totals.from_conversions(n_h, x_h)


def draw_thin_strata(rng: np.random.Generator) -> tuple[Stratum, ...]:
    """Return one to three regimes of few users or few conversions."""
    strata = []
    for _ in range(rng.integers(1, 4)):
        n_o, n_h = int(rng.integers(1, 3000)), int(rng.integers(1, 200))
        rates = rng.choice([0.0, 0.002, 0.02, 0.3, 0.98, 1.0], 2)
        x_o, x_h = (int(x) for x in rng.binomial((n_o, n_h), rates))
        strata.append(make_stratum(x_o, n_o, x_h, n_h))
    return tuple(strata)


def compute_expected_log_evidence(x_o: int, n_o: int, x_h: int, n_h: int) -> float:
    """Compute log E of no effect from its published formula, for rare conversions."""
    k, p, q = x_o + x_h, (x_o + x_h) / (n_o + n_h), n_h / (n_o + n_h)
    deltas = np.array([*(0.15 * i for i in range(-20, 21) if i), -6, -4.5, 4.5, 6])
    weights = np.abs(deltas[:40]) * np.exp(-((deltas[:40] / 1.2) ** 2) / 2)
    weights = np.array([*(0.98 * weights / weights.sum()), *[0.005] * 4])
    first = logsumexp(
        x_h * deltas - k * np.log(1 + q * (np.exp(deltas) - 1)), b=weights
    )
    second = betaln(x_o + 0.5, n_o - x_o + 0.5) + betaln(x_h + 0.5, n_h - x_h + 0.5)
    second -= 2 * betaln(0.5, 0.5)
    second -= k * math.log(p) + (n_o + n_h - k) * math.log1p(-p)
    return float(np.logaddexp(math.log(0.95) + first, math.log(0.05) + second))


@pytest.mark.parametrize(
    "table", [(0, 18_000, 99, 1_999), (3, 900, 2, 100), (40, 95, 0, 5), (1, 1, 0, 1)]
)
def test_the_evidence_is_the_published_formula(
    table: tuple[int, int, int, int],
) -> None:
    thin = ThinRates.from_counts(RateCounts.from_strata((make_stratum(*table),)))

    log_evidence = float(thin.compute_difference_evidence(np.array(0.0)))

    assert log_evidence == pytest.approx(compute_expected_log_evidence(*table))
    assert thin.compute_ratio_evidence(np.array(1.0)) == pytest.approx(log_evidence)


def test_users_without_a_conversion_count_where_they_are_rarer() -> None:
    rare, common = (
        ThinRates.from_counts(RateCounts.from_strata((stratum,)))
        for stratum in (make_stratum(2, 900, 9, 100), make_stratum(898, 900, 91, 100))
    )

    evidence = [
        thin.compute_difference_evidence(np.array(d))
        for thin, d in ((rare, 0.02), (common, -0.02))
    ]

    assert evidence[0] == pytest.approx(evidence[1])


def test_equal_arms_of_any_size_are_rejected_in_few_tables() -> None:
    for n_o, n_h in ((3, 2), (20, 10), (60, 6), (95, 40)):
        tables = [(x_o, x_h) for x_o in range(n_o + 1) for x_h in range(n_h + 1)]
        x_o, x_h = np.array(tables, dtype=float).T[..., None]
        users = np.full_like(x_o, n_o), np.full_like(x_o, n_h)
        thin = ThinRates.from_counts(RateCounts(users[0], x_o, users[1], x_h))
        evidence = thin.compute_difference_evidence(np.array(0.0))

        for rate in (0.001, 0.01, 0.05, 0.2, 0.5, 0.9):
            chances = binom.pmf(x_o, n_o, rate) * binom.pmf(x_h, n_h, rate)
            wrong = chances[:, 0][evidence >= math.log(20)].sum()
            assert wrong <= 0.05, (n_o, n_h, rate)


def test_p_and_both_intervals_agree_for_thin_rates() -> None:
    rng = np.random.default_rng(11)
    withheld = 0
    for _ in range(300):
        strata = draw_thin_strata(rng)
        result = lift.measure_lift(strata, "bool")
        withheld += result.p_value is None
        if result.p_value_anytime is None:
            assert result.p_value is None
            continue
        for interval in (result.lift_ci_anytime, result.difference_ci_anytime):
            if interval is not None:
                is_rejected = intervals.excludes(interval, 0)
                assert is_rejected == (result.p_value_anytime < 0.05), strata
        if result.difference_ci is not None:
            assert result.p_value is not None
            is_rejected = intervals.excludes(result.difference_ci, 0)
            assert is_rejected == (result.p_value < 0.05)
            assert result.p_value <= result.p_value_anytime
    assert withheld > 40


def test_the_ends_of_thin_intervals_are_just_accepted() -> None:
    strata = (make_stratum(4, 900, 3, 100), make_stratum(0, 300, 2, 90))
    thin = ThinRates.from_counts(RateCounts.from_strata(strata))

    ratios = thin.compute_ratio_interval(0.2, 0.05)
    differences = thin.compute_difference_interval(-0.02, 0.05)

    assert ratios is not None
    assert differences is not None
    limit = math.log(20)
    assert thin.compute_ratio_evidence(np.array(ratios)) == pytest.approx(limit)
    at_ends = thin.compute_difference_evidence(np.array(differences))
    assert at_ends == pytest.approx(limit)


@pytest.mark.parametrize(
    ("stratum", "direction"),
    [
        (make_stratum(0, 18_000, 99, 1_999), "increase"),
        (make_stratum(0, 8_207, 86, 893), "increase"),
        (make_stratum(0, 900, 5, 100), "increase"),
        (make_stratum(900, 900, 90, 100), "decrease"),
        (make_stratum(950, 950, 10, 50), "decrease"),
    ],
)
def test_a_rate_that_breaks_down_is_an_alarm_at_once(
    stratum: Stratum, direction: Direction
) -> None:
    result = lift.measure_lift([stratum], "bool", direction=direction)

    assert result.p_value_anytime is not None
    assert result.p_value_anytime < 0.05
    assert judge_guardrail(result, 0.05) == "violated"


def test_figures_of_one_look_are_published_where_the_arms_differ_for_certain() -> None:
    certain = lift.measure_lift([make_stratum(0, 950, 12, 50)], "bool")
    likely = lift.measure_lift([make_stratum(0, 900, 3, 100)], "bool")

    assert certain.p_value is not None
    assert certain.p_value <= 0.001
    assert certain.lift_ci is not None
    assert certain.lift_ci_anytime is not None
    assert certain.lift_ci_anytime[1] >= certain.lift_ci[1]
    assert likely.p_value is None
    assert likely.p_value_anytime is not None


def test_a_narrower_share_of_the_error_keeps_its_interval_and_its_p_together() -> None:
    for alpha in (0.08, 0.01, 0.0005, 1e-5):
        for converted in (5, 6, 7, 8, 9, 12):
            stratum = make_stratum(0, 900, converted, 100)
            result = lift.measure_lift([stratum], "bool", anytime_alpha=alpha)
            interval = result.difference_ci_anytime
            assert interval is not None
            assert result.p_value_anytime is not None
            assert result.difference is not None
            assert result.difference < 0
            assert intervals.excludes(interval, 0) == (result.p_value_anytime <= alpha)


@pytest.mark.parametrize(
    "strata",
    [
        [make_stratum(0, 40, 40, 40), make_stratum(40, 40, 0, 40)],
        [make_stratum(0, 2_619, 9, 306), make_stratum(87, 551, 0, 32)],
        [make_stratum(614, 622, 0, 3), make_stratum(1, 456, 0, 14)],
        [make_stratum(0, 481, 4, 52), make_stratum(3, 3, 0, 164)],
    ],
)
def test_contradictory_regimes_withhold_p_with_its_intervals(
    strata: list[Stratum],
) -> None:
    result = lift.measure_lift(strata, "bool")

    for name in (
        "p_value",
        "difference_ci",
        "p_value_anytime",
        "difference_ci_anytime",
    ):
        assert getattr(result, name) is None
        assert "among themselves" in result.unavailable[name]
    assert result.lift_ci is None
    assert result.lift_ci_anytime is None
    assert judge_guardrail(result, 0.08, "increase") == "pending"
    assert judge_guardrail(result, 0.08, "decrease") == "pending"


def test_a_breakdown_over_different_base_rates_shows_in_the_ratio_alone() -> None:
    """No single difference fits 1% and 40% that both break down; a ratio of 0 does."""
    strata = [make_stratum(0, 5_000, 5, 500), make_stratum(0, 500, 20, 50)]

    result = lift.measure_lift(strata, "bool")

    assert result.difference_ci_anytime is None
    assert "among themselves" in result.unavailable["difference_ci_anytime"]
    assert result.lift_ci_anytime is not None
    assert result.lift_ci_anytime[1] < 0
    assert judge_guardrail(result, 0.05) == "violated"


def draw_odd_strata(rng: np.random.Generator) -> list[Stratum]:
    """Return one to three regimes, thin and supported, often at odds with each other."""
    strata = []
    for _ in range(rng.integers(1, 4)):
        users = [int(10 ** rng.uniform(0.5, top)) for top in (3.7, 3.0)]
        rates = [
            rng.choice(
                [0.0, 1.0, 10 ** rng.uniform(-3.5, 0), 10 ** rng.uniform(-3, -1)]
            )
            for _ in range(2)
        ]
        x_o, x_h = (int(x) for x in rng.binomial(users, rates))
        strata.append(make_stratum(x_o, users[0], x_h, users[1]))
    return strata


def test_p_rejects_exactly_where_an_interval_that_is_shown_excludes_zero() -> None:
    rng = np.random.default_rng(17)
    withheld = 0
    for _ in range(600):
        strata, alpha = draw_odd_strata(rng), rng.choice([0.08, 0.05, 0.004])
        result = lift.measure_lift(strata, "bool", anytime_alpha=alpha)
        for p, level, both in (
            (result.p_value, 0.05, (result.difference_ci, result.lift_ci)),
            (
                result.p_value_anytime,
                alpha,
                (result.difference_ci_anytime, result.lift_ci_anytime),
            ),
        ):
            shown = [interval for interval in both if interval is not None]
            assert (p is None) == (not shown), strata
            if p is not None:
                excluded = {intervals.excludes(interval, 0) for interval in shown}
                assert excluded == {p <= level}, strata
        is_withheld = result.p_value_anytime is None
        withheld += is_withheld
        if is_withheld:
            assert judge_guardrail(result, alpha) == "pending"
    assert withheld > 10


def test_rates_on_arrays_are_those_of_the_score() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        strata = draw_thin_strata(rng)
        counts = RateCounts.from_strata(strata)
        ratio, d = float(np.exp(rng.normal(0, 2))), float(rng.uniform(-0.9, 0.9))
        by_ratio = fit_rates_under_ratio(counts, np.array(ratio))
        by_difference = fit_rates_under_difference(counts, np.array(d))
        for place, stratum in enumerate(strata):
            expected = score._fit_rates_under_ratio(stratum, ratio)
            found = [rates[place] for rates in by_ratio]
            assert found == pytest.approx(expected, rel=1e-9)
            expected = score._fit_rates_under_difference(stratum, d)
            found = [rates[place] for rates in by_difference]
            assert found == pytest.approx(expected, abs=1e-6)


def test_the_logarithm_of_gamma_is_that_of_the_library() -> None:
    values = np.array([0.05, 0.5, 1, 2.5, 9.99, 10, 50, 1000.5, 1e7])

    expected = [math.lgamma(x) for x in values]
    assert compute_log_gamma(values) == pytest.approx(expected, rel=1e-13, abs=1e-13)
    beta = compute_log_beta(values, np.array(3.0))
    assert beta == pytest.approx([betaln(x, 3.0) for x in values], rel=1e-9)
