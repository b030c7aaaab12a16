"""Days until the decision: forecasts, and simulated decisions."""

import math

import numpy as np
import pytest

from metrics import stats
from metrics.stats import ForecastInputs, Stratum, Totals, forecast

EXPECTED_USERS = 20_000


def make_arms(optimized: tuple[int, int], holdout: tuple[int, int]) -> Stratum:
    """Return totals of both arms from (users, converted)."""
    return Totals.from_conversions(*optimized), Totals.from_conversions(*holdout)


def forecast_days(stratum: Stratum, inputs: ForecastInputs) -> stats.DecisionForecast:
    """Measure the lift of one regime and forecast its decision."""
    lift = stats.lift.measure_lift([stratum], "bool", expected_users=EXPECTED_USERS)
    return stats.forecast_decision(lift, [stratum], EXPECTED_USERS, inputs)


def test_a_decided_lift_takes_no_more_days() -> None:
    result = forecast_days(
        make_arms((5000, 750), (5000, 500)), ForecastInputs(0.05, 0.005, 1000.0, 0.5)
    )

    assert (result.days, result.lo, result.hi) == (0, 0, 0)


def test_twice_the_traffic_takes_half_the_days() -> None:
    stratum = make_arms((500, 52), (500, 50))

    slow = forecast_days(stratum, ForecastInputs(0.02, 1e-9, 200.0, 0.5))
    fast = forecast_days(stratum, ForecastInputs(0.02, 1e-9, 400.0, 0.5))

    assert slow.days is not None
    assert fast.days is not None
    assert slow.days > 20
    assert fast.days == pytest.approx(slow.days / 2, rel=0.15)


def test_a_loss_is_a_decision_too() -> None:
    harm = forecast_days(
        make_arms((500, 50), (500, 50)), ForecastInputs(-0.05, 1e-9, 500.0, 0.5)
    )
    gain = forecast_days(
        make_arms((500, 50), (500, 50)), ForecastInputs(0.05, 1e-9, 500.0, 0.5)
    )

    assert harm.days is not None
    assert harm.days == pytest.approx(gain.days, rel=0.1)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (ForecastInputs(0.0, 1e-9, 200.0, 0.1), forecast.NOT_IN_SIGHT),
        (ForecastInputs(0.02, 0.01, 0.0, 0.1), forecast.NO_TRAFFIC),
        (ForecastInputs(0.02, 0.01, 200.0, 0.0), forecast.NO_TRAFFIC),
    ],
)
def test_no_decision_in_sight_gives_a_reason(
    inputs: ForecastInputs, reason: str
) -> None:
    result = forecast_days(make_arms((900, 92), (900, 90)), inputs)

    assert (result.days, result.lo, result.hi, result.reason) == (
        None,
        None,
        None,
        reason,
    )


def test_a_withheld_lift_has_no_forecast() -> None:
    result = forecast_days(
        make_arms((900, 92), (90, 9)), ForecastInputs(0.02, 0.01, 200.0, 0.1)
    )

    assert result.days is None
    assert result.reason == "the holdout arm has 90 users; 100 are needed"


def test_an_uncertain_effect_leaves_the_upper_end_open() -> None:
    result = forecast_days(
        make_arms((900, 96), (900, 90)), ForecastInputs(0.02, 0.02, 400.0, 0.5)
    )

    assert result.days is not None
    assert result.lo is not None
    assert result.lo < result.days
    assert result.hi is None


def test_the_interval_of_the_forecast_covers_the_decision() -> None:
    inside = [is_within_forecast(seed) for seed in range(80)]

    assert np.mean(inside) > 0.95 - 3 * math.sqrt(0.95 * 0.05 / len(inside))


def is_within_forecast(seed: int) -> bool:
    """Simulate a run from its first day; return whether the forecast covers its end.

    The effect is drawn from the distribution that the forecast assumes.
    """
    rng = np.random.default_rng(seed)
    effect, users = rng.normal(0.03, 0.008), 250
    rates = 0.1 + effect, 0.1
    users_by_arm = np.array([0, 0])
    converted = np.array([0, 0])
    prediction, days = None, 0
    while days <= forecast.MAX_DAYS:
        users_by_arm = users_by_arm + users
        converted = converted + [rng.binomial(users, rate) for rate in rates]
        stratum = make_arms(
            *zip(users_by_arm.tolist(), converted.tolist(), strict=True)
        )
        lift = stats.lift.measure_lift([stratum], "bool", expected_users=EXPECTED_USERS)
        assert lift.p_value_anytime is not None
        if prediction is None:
            inputs = ForecastInputs(0.03, 0.008, 2.0 * users, 0.5)
            prediction = forecast_days(stratum, inputs)
        elif lift.p_value_anytime <= 0.05:
            break
        days += 1
    assert prediction is not None
    assert prediction.lo is not None
    hi = forecast.MAX_DAYS if prediction.hi is None else prediction.hi
    return prediction.lo <= days <= hi
