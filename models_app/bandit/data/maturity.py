"""Which share of rewards has come by an age, and ages at which that cannot be read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UNKNOWN_LAG_WEIGHT = 1.0
"""Pseudo-rewards in the histogram: what is assumed before any came."""

MAX_READING_ERROR = 0.05
"""Share of all rewards that reading inside a bucket of the histogram may be wrong by."""


@dataclass(frozen=True, slots=True)
class Maturity:
    """How far users of an age have come.

    `counted`: as how much of a mature user they count. `come`: the share of their
    rewards that has come, as far as is certain. `passed`: the share of the horizon
    that has.
    """

    weight: float
    arrived: float
    passed: float


FULLY_MATURE = Maturity(1.0, 1.0, 1.0)


def compute_maturity(
    age_hours: float, lags: Sequence[int], horizon_hours: float
) -> Maturity | None:
    """Tell it from the histogram; None where that is too coarse to tell.

    Before anybody is past the horizon nothing is known of lags. Then users count in
    full, so that rates are those so far; but rewards may come as late as evenly over
    the horizon, and a variant whose rewards do is given that for a doubt.
    """
    if not is_readable(age_hours, lags, horizon_hours):
        return None
    come = compute_arrived_share(age_hours, lags, horizon_hours)
    passed = min(max(age_hours / horizon_hours, 0.0), 1.0)
    unknown = UNKNOWN_LAG_WEIGHT / (float(np.sum(lags)) + UNKNOWN_LAG_WEIGHT)
    return Maturity(come + unknown * (1.0 - passed), come, passed)


def compute_arrived_share(
    age_hours: float, lags: Sequence[int], horizon_hours: float
) -> float:
    """Share of rewards that come within `age_hours` of the first touch, 0 to 1.

    The lag histogram read linearly inside its buckets, with UNKNOWN_LAG_WEIGHT
    rewards spread evenly over the horizon added to it.
    """
    position = min(max(age_hours / horizon_hours, 0.0), 1.0)
    edges = np.linspace(0.0, 1.0, len(lags) + 1)
    come = np.interp(position, edges, np.concatenate([[0.0], np.cumsum(lags)]))
    total = float(np.sum(lags)) + UNKNOWN_LAG_WEIGHT
    return float((come + UNKNOWN_LAG_WEIGHT * position) / total)


def is_readable(age_hours: float, lags: Sequence[int], horizon_hours: float) -> bool:
    """Whether `arrived` can be trusted at that age, to STEEP of all rewards.

    Most rewards may come within minutes while a bucket is hours wide. Where rewards
    come ever more slowly, or ever faster, the density inside a bucket lies between
    those of its neighbours; so their difference bounds the error, and so does all that
    is in the bucket. Beyond the horizon everything has come.
    """
    position = max(age_hours / horizon_hours, 0.0)
    bucket = int(position * len(lags))
    if bucket >= len(lags):
        return True
    near = [lags[at] for at in (bucket - 1, bucket + 1) if 0 <= at < len(lags)]
    uneven = max((abs(lags[bucket] - beside) for beside in near), default=lags[bucket])
    total = sum(lags) + UNKNOWN_LAG_WEIGHT
    return min(lags[bucket], uneven) <= MAX_READING_ERROR * total
