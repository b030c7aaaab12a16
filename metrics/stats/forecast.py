"""When the measured lift is going to be decided, if traffic goes on as it does."""

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
MAX_DAYS = 365
"""Days looked ahead."""

NOT_IN_SIGHT = f"at the present traffic no decision is in sight within {MAX_DAYS} days"
NO_TRAFFIC = "nobody comes at present, or nobody is held out"


@dataclass(frozen=True, slots=True)
class ForecastInputs:
    """What the arms are believed to differ by from now on, and how fast users come.

    `effect` is the difference per user, optimized less holdout, `error` the sd of that
    belief; `users` come in a day, of whom `holdout_share` (0..1) are held out.
    """

    effect: float
    error: float
    users: float
    holdout_share: float


@dataclass(frozen=True, slots=True)
class DecisionForecast:
    """Days until the decision: median and central 95%; `hi` None is beyond LONGEST.

    `days` is None where `reason` says why.
    """

    days: int | None
    lo: int | None = None
    hi: int | None = None
    reason: str | None = None


def forecast_decision(
    lift: Lift,
    strata: Iterable[Stratum],
    expected_users: int | None,
    coming: ForecastInputs,
    *,
    seed: int = 0,
) -> DecisionForecast:
    """Foretell the first day on which the anytime interval of `lift` excludes zero.

    `lift` was measured from `strata` with `expected_users` (see lift.measure_lift). In each
    of FUTURES futures the true effect is drawn once, and every day adds its evidence:
    with W = n_o·n_h/(n_o + n_h) the statistic z·√W is a Brownian motion over W whose
    drift is the effect over a user's sd. The day it leaves the boundary of
    metrics.stats.anytime is that future's; both signs are decisions.
    """
    kept = select_comparable(strata)
    if lift.p_value is None or lift.p_value_anytime is None:
        return DecisionForecast(None, reason=lift.unavailable.get("p_value"))
    if lift.p_value_anytime <= ALPHA:
        return DecisionForecast(0, 0, 0)
    daily = coming.users * coming.holdout_share * (1 - coming.holdout_share)
    spread = math.sqrt(_compute_variance(kept))
    if daily <= 0 or spread <= 0:
        return DecisionForecast(None, reason=NO_TRAFFIC)
    gathered = math.fsum(compute_weight(stratum) for stratum in kept)
    evidence = compute_boundary(kept, expected_users).evidence / gathered
    start = math.copysign(_compute_z(lift.p_value), lift.difference or 0.0)
    rng = np.random.default_rng(seed)
    drift = rng.normal(coming.effect, coming.error, (SIMULATED_FUTURES, 1)) / spread
    steps = drift * daily + math.sqrt(daily) * rng.standard_normal(
        (SIMULATED_FUTURES, MAX_DAYS)
    )
    path = start * math.sqrt(gathered) + steps.cumsum(axis=1)
    weights: Floats = gathered + daily * np.arange(1.0, MAX_DAYS + 1)
    return _summarize_days(np.abs(path) >= _compute_limits(weights, evidence))


def _compute_limits(weights: Floats, evidence: float) -> Floats:
    """The boundary [days] of z·√W at weights W, whose evidence is W times `evidence`."""
    e = evidence * weights
    spread = np.log1p(e) - 2 * math.log(ALPHA)
    return np.asarray(np.sqrt((1 + 1 / e) * spread * weights))


def _summarize_days(crossed: NDArray[np.bool_]) -> DecisionForecast:
    """Summarise on which day each future [futures, days] was first beyond the boundary."""
    days = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf)
    lo, median, hi = np.quantile(days, [0.025, 0.5, 0.975], method="inverted_cdf")
    if math.isinf(median):
        return DecisionForecast(None, reason=NOT_IN_SIGHT)
    return DecisionForecast(int(median), int(lo), None if math.isinf(hi) else int(hi))


def _compute_variance(strata: tuple[Stratum, ...]) -> float:
    """Variance of a user's value within the arms of the regimes."""
    arms = [arm for stratum in strata for arm in stratum]
    freedom = sum(arm.users for arm in arms) - len(arms)
    return math.fsum(arm.squared_deviations for arm in arms) / max(freedom, 1)


def _compute_z(p_value: float) -> float:
    """|z| of a two-sided p-value."""
    return -NormalDist().inv_cdf(max(p_value, 1e-300) / 2)
