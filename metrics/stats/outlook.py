"""When the measured lift is going to be decided, if traffic goes on as it does."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from metrics.stats.answer import Lift
from metrics.stats.anytime import boundary
from metrics.stats.normal import ALPHA
from metrics.stats.totals import Stratum, comparable, weight

Floats = NDArray[np.float64]
FUTURES = 2000
LONGEST = 365
"""Days looked ahead."""

NOT_IN_SIGHT = f"at the present traffic no decision is in sight within {LONGEST} days"
NO_TRAFFIC = "nobody comes at present, or nobody is held out"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the arms are believed to differ by from now on, and how fast users come.

    `effect` is the difference per user, optimized less holdout, `error` the sd of that
    belief; `users` come in a day, of whom `holdout_share` (0..1) are held out.
    """

    effect: float
    error: float
    users: float
    holdout_share: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """Days until the decision: median and central 95%; `hi` None is beyond LONGEST.

    `days` is None where `reason` says why.
    """

    days: int | None
    lo: int | None = None
    hi: int | None = None
    reason: str | None = None


def days_to_decision(
    lift: Lift,
    strata: Iterable[Stratum],
    expected_users: int | None,
    coming: Expected,
    *,
    seed: int = 0,
) -> Outlook:
    """Foretell the first day on which the anytime interval of `lift` excludes zero.

    `lift` was measured from `strata` with `expected_users` (see lift.measured). In each
    of FUTURES futures the true effect is drawn once, and every day adds its evidence:
    with W = n_o·n_h/(n_o + n_h) the statistic z·√W is a Brownian motion over W whose
    drift is the effect over a user's sd. The day it leaves the boundary of
    metrics.stats.anytime is that future's; both signs are decisions.
    """
    kept = comparable(strata)
    if lift.p_value is None or lift.p_value_anytime is None:
        return Outlook(None, reason=lift.unavailable.get("p_value"))
    if lift.p_value_anytime <= ALPHA:
        return Outlook(0, 0, 0)
    daily = coming.users * coming.holdout_share * (1 - coming.holdout_share)
    spread = math.sqrt(_variance(kept))
    if daily <= 0 or spread <= 0:
        return Outlook(None, reason=NO_TRAFFIC)
    gathered = math.fsum(weight(stratum) for stratum in kept)
    evidence = boundary(kept, expected_users).evidence / gathered
    start = math.copysign(_z(lift.p_value), lift.difference or 0.0)
    rng = np.random.default_rng(seed)
    drift = rng.normal(coming.effect, coming.error, (FUTURES, 1)) / spread
    steps = drift * daily + math.sqrt(daily) * rng.standard_normal((FUTURES, LONGEST))
    path = start * math.sqrt(gathered) + steps.cumsum(axis=1)
    weights: Floats = gathered + daily * np.arange(1.0, LONGEST + 1)
    return _summary(np.abs(path) >= _limits(weights, evidence))


def _limits(weights: Floats, evidence: float) -> Floats:
    """The boundary [days] of z·√W at weights W, whose evidence is W times `evidence`."""
    e = evidence * weights
    spread = np.log1p(e) - 2 * math.log(ALPHA)
    return np.asarray(np.sqrt((1 + 1 / e) * spread * weights))


def _summary(crossed: NDArray[np.bool_]) -> Outlook:
    """Summarise on which day each future [futures, days] was first beyond the boundary."""
    days = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf)
    lo, median, hi = np.quantile(days, [0.025, 0.5, 0.975], method="inverted_cdf")
    if math.isinf(median):
        return Outlook(None, reason=NOT_IN_SIGHT)
    return Outlook(int(median), int(lo), None if math.isinf(hi) else int(hi))


def _variance(strata: tuple[Stratum, ...]) -> float:
    """Variance of a user's value within the arms of the regimes."""
    arms = [arm for stratum in strata for arm in stratum]
    freedom = sum(arm.users for arm in arms) - len(arms)
    return math.fsum(arm.squared_deviations for arm in arms) / max(freedom, 1)


def _z(p_value: float) -> float:
    """|z| of a two-sided p-value."""
    return -NormalDist().inv_cdf(max(p_value, 1e-300) / 2)
