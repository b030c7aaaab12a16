"""Simulated traffic: users of a day and arm, and what they are worth."""

import numpy as np

from benchmarks.statistics.arrays import Arm, Array, build_conversion_arm


def draw_arm(
    rng: np.random.Generator, users: Array, rate: Array, kind: str, scale: float = 1.0
) -> Arm:
    """Totals of one arm with ``users`` users of conversion rate ``rate``.

    ``bool``: converted or not. ``numeric``: converters pay log-normal amounts
    with log-sd 1, times ``scale``. ``outcomes``: converters are worth 1, 3 or
    10 (70, 25, 5%), times ``scale``.
    """
    counts = np.asarray(rng.binomial(users.astype(int), rate))
    if kind == "bool":
        return build_conversion_arm(users, counts)
    size = int(counts.sum())
    if kind == "numeric":
        worth = np.exp(rng.normal(0, 1, size))
    else:
        worth = rng.choice([1.0, 3.0, 10.0], size, p=[0.7, 0.25, 0.05])
    worth *= scale
    cell = np.repeat(np.arange(counts.size), counts.ravel())
    sums, squares = (
        np.bincount(cell, weight, counts.size).reshape(counts.shape).astype(float)
        for weight in (worth, worth * worth)
    )
    return Arm(np.broadcast_to(users, counts.shape).astype(float), sums, squares)


def cumulate_days(arm: Arm) -> Arm:
    """Running totals over days; axes are (runs, days, regimes)."""
    return Arm(*(np.cumsum(x, axis=1) for x in (arm.users, arm.value_sum, arm.squares)))
