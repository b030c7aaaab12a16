"""Guardrails: shares of the error that add up, and a status that fits its interval."""

import random

import pytest
from hypothesis import given, strategies as st

from metrics.stats import RewardType, Totals, anytime, judge_guardrail, lift, score
from metrics.stats.guardrails import compute_later_share, compute_launch_share

RUNS, DAYS, FAMILY = 300, 20, 20
DAILY_OPTIMIZED, DAILY_HOLDOUT, RATE = 900, 100, 0.05


def test_all_shares_together_are_a_tenth_however_many_come_later() -> None:
    for at_launch in 1, 5, 20:
        launch = at_launch * compute_launch_share(at_launch)
        later = sum(compute_later_share(place) for place in range(1, 1000))

        assert launch == pytest.approx(0.08)
        assert 0.0199 < later < 0.02


@pytest.mark.parametrize("compute_share", [compute_launch_share, compute_later_share])
def test_there_is_no_share_of_less_than_one_guardrail(compute_share: object) -> None:
    assert callable(compute_share)
    with pytest.raises(ValueError, match="at least 1"):
        compute_share(0)


@given(
    conversions=st.tuples(st.integers(0, 5000), st.integers(0, 600)),
    share=st.sampled_from([0.08, 0.05, 0.016, 0.004, 0.001, 5e-5]),
    kind=st.sampled_from(["bool", "numeric"]),
)
def test_violated_means_that_the_interval_shown_excludes_zero(
    conversions: tuple[int, int], share: float, kind: RewardType
) -> None:
    arms = (
        Totals.from_conversions(5000, conversions[0]),
        Totals.from_conversions(600, conversions[1]),
    )

    result = lift.measure_lift([arms], kind, anytime_alpha=share)

    interval = result.difference_ci_anytime
    status = judge_guardrail(result, share)
    is_harm_shown = interval is not None and (
        interval[1] is not None and interval[1] < 0
    )
    assert (status == "violated") == is_harm_shown
    if status == "pending":
        assert result.p_value is None


def draw_conversions(rng: random.Random, users: int) -> int:
    """Return a draw that has the mean and the variance of a binomial one."""
    return max(round(rng.gauss(users * RATE, (users * RATE * (1 - RATE)) ** 0.5)), 0)


def test_twenty_harmless_guardrails_read_daily_raise_few_false_alarms() -> None:
    rng = random.Random(17)  # noqa: S311 - simulated visitors, not secrets
    share = compute_launch_share(FAMILY)
    alarms = 0
    for _ in range(RUNS):
        is_alarmed = False
        counts = [[0, 0] for _ in range(FAMILY)]
        for day in range(1, DAYS + 1):
            for arms in counts:
                arms[0] += draw_conversions(rng, DAILY_OPTIMIZED)
                arms[1] += draw_conversions(rng, DAILY_HOLDOUT)
                stratum = (
                    Totals.from_conversions(day * DAILY_OPTIMIZED, arms[0]),
                    Totals.from_conversions(day * DAILY_HOLDOUT, arms[1]),
                )
                boundary = anytime.compute_boundary((stratum,), 20_000, share)
                z = score.compute_difference_z((stratum,), 0.0)
                is_alarmed |= z < -boundary.critical
        alarms += is_alarmed

    assert alarms / RUNS <= 0.04 + 3 * (0.04 * 0.96 / RUNS) ** 0.5
