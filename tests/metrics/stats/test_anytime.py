"""The boundary for daily looks."""

import math

import pytest
from hypothesis import given, settings, strategies as st

from metrics.stats import Totals, project_users_from_first_week
from metrics.stats.anytime import Boundary, compute_boundary


def make_regime(optimized: int, holdout: int) -> tuple[Totals, Totals]:
    return Totals.from_conversions(optimized, 0), Totals.from_conversions(holdout, 0)


def test_the_critical_value_at_the_expected_size_is_3() -> None:
    boundary = compute_boundary((make_regime(9000, 1000),), 10_000)

    assert boundary.evidence == pytest.approx(7.936, abs=1e-3)
    assert boundary.critical == pytest.approx(3.035, abs=1e-3)


def test_the_boundary_is_tightest_at_the_expected_size() -> None:
    tuned = compute_boundary((make_regime(9000, 1000),), 10_000).critical

    wrongly_tuned = [
        compute_boundary((make_regime(9000, 1000),), n).critical
        for n in (5_000, 9_000, 12_000, 50_000)
    ]

    assert min(wrongly_tuned) > tuned


@given(st.floats(1e-6, 1e6), st.floats(-60, 60))
@settings(deadline=None)
def test_p_is_below_five_percent_exactly_beyond_the_critical_value(
    evidence: float, z: float
) -> None:
    boundary = Boundary(evidence)

    p = boundary.p_value(z)

    assert 0 <= p <= 1
    if abs(abs(z) - boundary.critical) > 1e-6 * boundary.critical:
        assert (p < 0.05) == (abs(z) > boundary.critical)


@given(st.floats(1e-6, 1e6))
@settings(deadline=None)
def test_the_evidence_has_mean_one_under_the_hypothesis(evidence: float) -> None:
    # E exp(share·Z²/2)/√(1+e) = 1 for standard normal Z
    share = evidence / (1 + evidence)

    mean = 1 / math.sqrt(1 - share) / math.sqrt(1 + evidence)

    assert mean == pytest.approx(1.0)


def test_later_regimes_do_not_move_the_tuning() -> None:
    first, later = make_regime(5000, 5000), make_regime(9000, 1000)

    before = compute_boundary((first,), 20_000)
    after = compute_boundary((first, later), 20_000)

    assert after.evidence / before.evidence == pytest.approx((2500 + 900) / 2500)


def test_four_weeks_like_the_first_are_expected() -> None:
    assert project_users_from_first_week(700) == 2800
    assert project_users_from_first_week(0) == 1


def test_two_users_under_another_share_do_not_move_the_figures() -> None:
    regime = Totals.from_conversions(9000, 540), Totals.from_conversions(1000, 40)
    test_users = Totals.from_conversions(1, 0), Totals.from_conversions(1, 0)

    alone = compute_boundary((regime,), 10_000, holdout_share=0.1)
    after = compute_boundary((test_users, regime), 10_000, holdout_share=0.1)

    assert after.critical == pytest.approx(alone.critical, rel=1e-3)
