"""Days to the decision: what is foretold, against what comes."""

import math

import numpy as np
import pytest

from metrics import stats
from metrics.stats import ForecastInputs, Stratum, Totals, forecast

EXPECTED_USERS = 20_000


def arms(optimized: tuple[int, int], holdout: tuple[int, int]) -> Stratum:
    """Totals of both arms from (users, converted)."""
    return Totals.from_conversions(*optimized), Totals.from_conversions(*holdout)


def foretold(stratum: Stratum, coming: ForecastInputs) -> stats.DecisionForecast:
    """Ask when this will be decided."""
    lift = stats.lift.measure_lift([stratum], "bool", expected_users=EXPECTED_USERS)
    return stats.forecast_decision(lift, [stratum], EXPECTED_USERS, coming)


def test_what_is_decided_takes_no_more_days() -> None:
    found = foretold(
        arms((5000, 750), (5000, 500)), ForecastInputs(0.05, 0.005, 1000.0, 0.5)
    )

    assert (found.days, found.lo, found.hi) == (0, 0, 0)


def test_twice_the_traffic_takes_half_the_days() -> None:
    stratum = arms((500, 52), (500, 50))

    one = foretold(stratum, ForecastInputs(0.02, 1e-9, 200.0, 0.5))
    two = foretold(stratum, ForecastInputs(0.02, 1e-9, 400.0, 0.5))

    assert one.days is not None
    assert two.days is not None
    assert one.days > 20
    assert two.days == pytest.approx(one.days / 2, rel=0.15)


def test_a_loss_is_a_decision_too() -> None:
    harm = foretold(arms((500, 50), (500, 50)), ForecastInputs(-0.05, 1e-9, 500.0, 0.5))
    gain = foretold(arms((500, 50), (500, 50)), ForecastInputs(0.05, 1e-9, 500.0, 0.5))

    assert harm.days is not None
    assert harm.days == pytest.approx(gain.days, rel=0.1)


@pytest.mark.parametrize(
    ("coming", "reason"),
    [
        (ForecastInputs(0.0, 1e-9, 200.0, 0.1), forecast.NOT_IN_SIGHT),
        (ForecastInputs(0.02, 0.01, 0.0, 0.1), forecast.NO_TRAFFIC),
        (ForecastInputs(0.02, 0.01, 200.0, 0.0), forecast.NO_TRAFFIC),
    ],
)
def test_what_is_not_in_sight_is_withheld(coming: ForecastInputs, reason: str) -> None:
    found = foretold(arms((900, 92), (900, 90)), coming)

    assert (found.days, found.lo, found.hi, found.reason) == (None, None, None, reason)


def test_before_a_lift_can_be_published_nothing_is_foretold() -> None:
    found = foretold(arms((900, 92), (90, 9)), ForecastInputs(0.02, 0.01, 200.0, 0.1))

    assert found.days is None
    assert found.reason == "the holdout arm has 90 users, 100 are needed"


def test_an_unsure_effect_leaves_the_upper_end_open() -> None:
    found = foretold(arms((900, 96), (900, 90)), ForecastInputs(0.02, 0.02, 400.0, 0.5))

    assert found.days is not None
    assert found.lo is not None
    assert found.lo < found.days
    assert found.hi is None


def test_the_decision_comes_within_the_days_foretold() -> None:
    inside = [came_within(seed) for seed in range(80)]

    assert np.mean(inside) > 0.95 - 3 * math.sqrt(0.95 * 0.05 / len(inside))


def came_within(seed: int) -> bool:
    """Play a run on from its first week, the effect drawn from what is believed."""
    rng = np.random.default_rng(seed)
    effect, users = rng.normal(0.03, 0.008), 250
    rates = 0.1 + effect, 0.1
    shown = np.array([0, 0])
    converted = np.array([0, 0])
    found, days = None, 0
    while days <= forecast.MAX_DAYS:
        shown = shown + users
        converted = converted + [rng.binomial(users, rate) for rate in rates]
        stratum = arms(*zip(shown.tolist(), converted.tolist(), strict=True))
        lift = stats.lift.measure_lift([stratum], "bool", expected_users=EXPECTED_USERS)
        assert lift.p_value_anytime is not None
        if found is None:
            found = foretold(stratum, ForecastInputs(0.03, 0.008, 2.0 * users, 0.5))
        elif lift.p_value_anytime <= 0.05:
            break
        days += 1
    assert found is not None
    assert found.lo is not None
    hi = forecast.MAX_DAYS if found.hi is None else found.hi
    return found.lo <= days <= hi
