"""The boundary that holds at every look."""

import math

import pytest
from hypothesis import given, settings, strategies as st

from metrics.stats import Totals, project_users_from_first_week
from metrics.stats.anytime import Boundary, compute_boundary


def regime(optimized: int, holdout: int) -> tuple[Totals, Totals]:
    return Totals.from_conversions(optimized, 0), Totals.from_conversions(holdout, 0)


def test_at_the_expected_size_the_price_is_half_as_much_again() -> None:
    found = compute_boundary((regime(9000, 1000),), 10_000)

    assert found.evidence == pytest.approx(7.936, abs=1e-3)
    assert found.critical == pytest.approx(3.035, abs=1e-3)


def test_no_other_tuning_is_tighter_at_the_expected_size() -> None:
    tuned = compute_boundary((regime(9000, 1000),), 10_000).critical

    others = [
        compute_boundary((regime(9000, 1000),), n).critical
        for n in (5_000, 9_000, 12_000, 50_000)
    ]

    assert all(other > tuned for other in others)


@given(st.floats(1e-6, 1e6), st.floats(-60, 60))
@settings(deadline=None)
def test_p_passes_five_percent_where_the_interval_does(
    evidence: float, z: float
) -> None:
    found = Boundary(evidence)

    p = found.p_value(z)

    assert 0 <= p <= 1
    if abs(abs(z) - found.critical) > 1e-6 * found.critical:
        assert (p < 0.05) == (abs(z) > found.critical)


@given(st.floats(1e-6, 1e6))
@settings(deadline=None)
def test_evidence_averages_one_when_nothing_differs(evidence: float) -> None:
    # E exp(share·Z²/2)/√(1+e) = 1 for standard normal Z
    share = evidence / (1 + evidence)

    mean = 1 / math.sqrt(1 - share) / math.sqrt(1 + evidence)

    assert mean == pytest.approx(1.0)


def test_later_regimes_do_not_move_the_tuning() -> None:
    first, later = regime(5000, 5000), regime(9000, 1000)

    one, two = (
        compute_boundary((first,), 20_000),
        compute_boundary((first, later), 20_000),
    )

    assert two.evidence / one.evidence == pytest.approx((2500 + 900) / 2500)


def test_the_first_week_stands_for_four() -> None:
    assert project_users_from_first_week(700) == 2800
    assert project_users_from_first_week(0) == 1
