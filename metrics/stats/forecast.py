"""The forecast of when the measured lift will be decided, if traffic goes on as now."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from metrics.stats.anytime import compute_boundary
from metrics.stats.lift_result import Lift
from metrics.stats.normal import ALPHA
from metrics.stats.totals import Stratum, compute_weight, select_comparable

Floats = NDArray[np.float64]
SIMULATED_FUTURES = 2000
# Number of days that are simulated.
MAX_DAYS = 365

NOT_IN_SIGHT = f"at the current traffic no decision is expected within {MAX_DAYS} days"
NO_TRAFFIC = "there is no traffic at present, or no holdout"


@dataclass(frozen=True, slots=True)
class ForecastInputs:
    """The assumed difference between the arms from now on, and the traffic.

    Attributes
    ----------
    effect: expected difference per user, optimized minus holdout.
    error: sd of that expectation.
    users: number of users per day.
    holdout_share: share (0 to 1) of these in the holdout.

    """

    effect: float
    error: float
    users: float
    holdout_share: float


@dataclass(frozen=True, slots=True)
class DecisionForecast:
    """Days until the decision: median and central 95%.

    `hi` is None if it is beyond MAX_DAYS; `days` is None if `reason` says why.
    """

    days: int | None
    lo: int | None = None
    hi: int | None = None
    reason: str | None = None


def forecast_decision(
    lift: Lift,
    strata: Iterable[Stratum],
    expected_users: int | None,
    inputs: ForecastInputs,
    *,
    holdout_share: float | None = None,
    seed: int = 0,
) -> DecisionForecast:
    """Forecast the first day on which the anytime interval of `lift` excludes zero.

    `lift` was measured from `strata` with `expected_users` and `holdout_share` (see
    lift.measure_lift). In
    each of SIMULATED_FUTURES futures the true effect is drawn once, and every day adds
    evidence. With W = n_o·n_h/(n_o + n_h), the statistic z·√W is a Brownian motion over
    W whose drift is the effect over a user's sd. The future's decision is on the day on
    which it leaves the boundary of metrics.stats.anytime, at either end.
    """
    comparable = select_comparable(strata)
    if lift.p_value is None or lift.p_value_anytime is None:
        return DecisionForecast(None, reason=lift.unavailable.get("p_value"))
    if lift.p_value_anytime <= ALPHA:
        return DecisionForecast(0, 0, 0)
    daily = inputs.users * inputs.holdout_share * (1 - inputs.holdout_share)
    spread = math.sqrt(_compute_variance(comparable))
    if daily <= 0 or spread <= 0:
        return DecisionForecast(None, reason=NO_TRAFFIC)
    gathered = math.fsum(compute_weight(stratum) for stratum in comparable)
    boundary = compute_boundary(comparable, expected_users, holdout_share=holdout_share)
    evidence = boundary.evidence / gathered
    start = math.copysign(_compute_z(lift.p_value), lift.difference or 0.0)
    rng = np.random.default_rng(seed)
    drift = rng.normal(inputs.effect, inputs.error, (SIMULATED_FUTURES, 1)) / spread
    steps = drift * daily + math.sqrt(daily) * rng.standard_normal(
        (SIMULATED_FUTURES, MAX_DAYS)
    )
    path = start * math.sqrt(gathered) + steps.cumsum(axis=1)
    weights: Floats = gathered + daily * np.arange(1.0, MAX_DAYS + 1)
    return _summarize_days(np.abs(path) >= _compute_limits(weights, evidence))


def _compute_limits(weights: Floats, evidence: float) -> Floats:
    """Return the boundary [days] of z·√W at weights W [days] with evidence per W."""
    e = evidence * weights
    log_term = np.log1p(e) - 2 * math.log(ALPHA)
    return np.asarray(np.sqrt((1 + 1 / e) * log_term * weights))


def _summarize_days(crossed: NDArray[np.bool_]) -> DecisionForecast:
    """Summarize the first day on which each future [futures, days] crossed."""
    days = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf)
    lo, median, hi = np.quantile(days, [0.025, 0.5, 0.975], method="inverted_cdf")
    if math.isinf(median):
        return DecisionForecast(None, reason=NOT_IN_SIGHT)
    return DecisionForecast(int(median), int(lo), None if math.isinf(hi) else int(hi))


def _compute_variance(strata: tuple[Stratum, ...]) -> float:
    """Return the variance of a user's value within the arms of the regimes."""
    arms = [arm for stratum in strata for arm in stratum]
    dof = sum(arm.users for arm in arms) - len(arms)
    return math.fsum(arm.squared_deviations for arm in arms) / max(dof, 1)


def _compute_z(p_value: float) -> float:
    """Return |z| of a two-sided p-value."""
    return -NormalDist().inv_cdf(max(p_value, 1e-300) / 2)
