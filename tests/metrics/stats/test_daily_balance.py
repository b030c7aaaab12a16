"""The sample ratio by day: the evidence is the formula, and an alarm stays."""

import itertools
import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from scipy.special import betaln, logsumexp

from metrics.stats import DaySplit, Split, check_daily_sample_ratio, check_sample_ratio
from metrics.stats.daily_balance import compute_log_evidence

START = date(2026, 3, 1)


def make_days(
    counts: list[tuple[int, int]], share: float = 0.5, regime: int = 1, after: int = 0
) -> list[DaySplit]:
    """Return days of (holdout, optimized) users."""
    return [
        DaySplit(
            START + timedelta(days=after + place),
            regime,
            Split(optimized, holdout, share),
        )
        for place, (holdout, optimized) in enumerate(counts)
    ]


def compute_log_factor(h: int, o: int, s: float, c: int) -> float:
    mixture = betaln(c * s + h, c * (1 - s) + o) - betaln(c * s, c * (1 - s))
    return float(mixture - h * math.log(s) - o * math.log1p(-s))


def compute_expected_evidence(days: list[Any]) -> float:
    """Compute the log of E after the days (regime, holdout, optimized, share)."""

    def sum_by_regime(part: list[Any]) -> float:
        return sum(
            compute_log_factor(
                sum(d[1] for d in rows), sum(d[2] for d in rows), rows[0][3], 1000
            )
            for _, group in itertools.groupby(part, key=lambda d: d[0])
            for rows in [list(group)]
        )

    last = len(days)
    starts = [
        sum_by_regime(days[first - 1 :]) - math.log(first * (first + 1))
        for first in range(1, last + 1)
    ]
    parts = [
        sum_by_regime(days),
        sum(compute_log_factor(h, o, s, 300) for _, h, o, s in days),
        logsumexp([*starts, -math.log(last + 1)]),
    ]
    return float(logsumexp(parts)) - math.log(3)


def test_the_evidence_is_the_published_formula_across_regimes() -> None:
    rng = np.random.default_rng(3)
    rows = [
        (
            regime,
            *(int(x) for x in rng.poisson((share * 400, (1 - share) * 400))),
            share,
        )
        for regime, share in (
            (1, 0.5),
            (1, 0.5),
            (1, 0.5),
            (2, 0.1),
            (4, 0.3),
            (4, 0.3),
        )
    ]
    regimes, holdout, optimized, shares = np.array(rows, dtype=float).T

    evidence = compute_log_evidence(holdout, optimized, shares, regimes)

    expected = [compute_expected_evidence(rows[:t]) for t in range(1, len(rows) + 1)]
    assert evidence == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_losses_that_cancel_in_total_are_an_alarm_that_names_the_days() -> None:
    lost = make_days([(250, 500)] * 5 + [(500, 250)] * 5)

    check = check_daily_sample_ratio(lost)

    assert check_sample_ratio([Split(3750, 3750, 0.5)]).ok
    assert not check.ok
    assert check.p_value < 1e-9
    assert len(check.days) == 3
    assert {round(day.observed_share, 2) for day in check.days} <= {0.33, 0.67}
    assert {day.expected_share for day in check.days} == {0.5}


def test_an_alarm_stays_when_later_days_are_right() -> None:
    lost = [(250, 500)] * 4
    alone = check_daily_sample_ratio(make_days(lost))

    later = check_daily_sample_ratio(make_days(lost + [(500, 500)] * 60))

    assert not later.ok
    assert later.p_value <= alone.p_value
    assert {day.date for day in later.days} <= {
        START + timedelta(days=place) for place in range(4)
    }


def test_days_as_configured_raise_no_alarm_and_name_no_day() -> None:
    days = make_days([(100, 900)] * 30, 0.1)
    more = make_days([(510, 490)] * 20, 0.5, regime=2, after=30)

    check = check_daily_sample_ratio([*more, *days])

    assert check.ok
    assert check.p_value > 0.5
    assert check.days == []


def test_a_loss_that_begins_late_is_found_in_a_long_regime() -> None:
    days = make_days([(500, 500)] * 90 + [(350, 500)] * 7)

    assert not check_daily_sample_ratio(days).ok
    assert check_sample_ratio([Split(48_500, 47_450, 0.5)]).ok


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_regimes_with_one_arm_only_say_nothing(share: float) -> None:
    check = check_daily_sample_ratio(make_days([(0, 500)] * 3, share))

    assert (check.ok, check.p_value, check.days) == (True, 1.0, [])
    assert check_daily_sample_ratio([]).ok


def test_a_year_of_days_is_judged_at_once() -> None:
    rng = np.random.default_rng(4)
    counts = [tuple(map(int, rng.poisson((20, 380)))) for _ in range(365)]

    check = check_daily_sample_ratio(make_days([(h, o) for h, o in counts], 0.05))

    assert check.ok
