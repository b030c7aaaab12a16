"""Maturity: the share of rewards that arrives by a given age, read from lags."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Pseudo-rewards, spread evenly over the horizon, added to the histogram of lags.
UNKNOWN_LAG_WEIGHT = 1.0

# Tolerated error of a reading inside a bucket, as a share of all rewards.
MAX_READING_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Maturity:
    """How mature users of one age are; all shares are from 0 to 1.

    Attributes
    ----------
    weight: how much of a mature user such a user counts as.
    arrived: share of their rewards that has arrived, as far as the lags show.
    elapsed: share of the horizon that has elapsed.

    """

    weight: float
    arrived: float
    elapsed: float


FULLY_MATURE = Maturity(1.0, 1.0, 1.0)


def compute_maturity(
    age_hours: float, lags: Sequence[int], horizon_hours: float
) -> Maturity | None:
    """Return the maturity at an age; None if the histogram is too coarse to tell.

    Before any user is past the horizon, no lags are known. Then `weight` is 1, so rates
    are those observed so far. `arrived` assumes rewards spread evenly over the horizon,
    so that a variant whose rewards are that late gets the benefit of the doubt.
    """
    if not is_readable(age_hours, lags, horizon_hours):
        return None
    arrived = compute_arrived_share(age_hours, lags, horizon_hours)
    elapsed = min(max(age_hours / horizon_hours, 0.0), 1.0)
    weight = _compute_weight(age_hours, lags, horizon_hours)
    return Maturity(weight, arrived, elapsed)


def _compute_weight(
    age_hours: float, lags: Sequence[int], horizon_hours: float
) -> float:
    arrived = compute_arrived_share(age_hours, lags, horizon_hours)
    elapsed = min(max(age_hours / horizon_hours, 0.0), 1.0)
    unknown = UNKNOWN_LAG_WEIGHT / (float(np.sum(lags)) + UNKNOWN_LAG_WEIGHT)
    return arrived + unknown * (1.0 - elapsed)


def compute_arrived_share(
    age_hours: float, lags: Sequence[int], horizon_hours: float
) -> float:
    """Return the share (0 to 1) of rewards that arrive within `age_hours`.

    The histogram of lags is read linearly inside its buckets, after UNKNOWN_LAG_WEIGHT
    rewards spread evenly over the horizon are added.
    """
    elapsed = min(max(age_hours / horizon_hours, 0.0), 1.0)
    edges = np.linspace(0.0, 1.0, len(lags) + 1)
    arrived = np.interp(elapsed, edges, np.concatenate([[0.0], np.cumsum(lags)]))
    total = float(np.sum(lags)) + UNKNOWN_LAG_WEIGHT
    return float((arrived + UNKNOWN_LAG_WEIGHT * elapsed) / total)


def is_certain(age_hours: float, lags: Sequence[int], horizon_hours: float) -> bool:
    """Return whether half an hour more or less of age changes the weight but little.

    All users of an hour may have come in its last minute, or in its first.
    """
    youngest, oldest = (
        _compute_weight(max(age_hours + hours, 0.0), lags, horizon_hours)
        for hours in (-0.5, 0.5)
    )
    return abs(oldest - youngest) <= 2 * MAX_READING_ERROR


def is_readable(age_hours: float, lags: Sequence[int], horizon_hours: float) -> bool:
    """Return whether the arrived share at that age is accurate to MAX_READING_ERROR.

    Most rewards may arrive within minutes while a bucket is hours wide. Where rewards
    steadily slow down or speed up, the density inside a bucket lies between those of
    its neighbors, so their difference bounds the error; so does the bucket's own count.
    Beyond the horizon every reward has arrived.
    """
    position = max(age_hours / horizon_hours, 0.0)
    bucket = int(position * len(lags))
    if bucket >= len(lags):
        return True
    neighbors = [
        lags[index] for index in (bucket - 1, bucket + 1) if 0 <= index < len(lags)
    ]
    difference = max(
        (abs(lags[bucket] - neighbor) for neighbor in neighbors), default=lags[bucket]
    )
    total = sum(lags) + UNKNOWN_LAG_WEIGHT
    return min(lags[bucket], difference) <= MAX_READING_ERROR * total
