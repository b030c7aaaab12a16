"""Simulated traffic: the users of an arm, and their rewards."""

import numpy as np

from benchmarks.statistics.arrays import Arm, Array, build_conversion_arm

MAX_PAYERS = 20_000_000  # simulated for one world, over all its runs
MIN_RUNS = 1_000


def draw_arm(
    rng: np.random.Generator, users: Array, rate: Array, kind: str, scale: float = 1.0
) -> Arm:
    """Draw the totals of an arm from its users and their conversion rates.

    ``bool``: a user converts or not. ``numeric``: converters pay log-normal amounts
    with log-sd 1, times ``scale``. ``outcomes``: converters are worth 1, 3 or 10 (70,
    25, 5%), times ``scale``.
    """
    counts = np.asarray(rng.binomial(users.astype(int), rate))
    if kind == "bool":
        return build_conversion_arm(users, counts)
    size = int(counts.sum())
    if kind == "numeric":
        amounts = np.exp(rng.normal(0, 1, size))
    else:
        amounts = rng.choice([1.0, 3.0, 10.0], size, p=[0.7, 0.25, 0.05])
    amounts *= scale
    cell = np.repeat(np.arange(counts.size), counts.ravel())
    sums, squares = (
        np.bincount(cell, weight, counts.size).reshape(counts.shape).astype(float)
        for weight in (amounts, amounts * amounts)
    )
    return Arm(np.broadcast_to(users, counts.shape).astype(float), sums, squares)


def cumulate_days(arm: Arm) -> Arm:
    """Return running totals over days; axes are (runs, days, regimes)."""
    totals = (arm.users, arm.value_sum, arm.squares)
    return Arm(*(np.cumsum(array, axis=1) for array in totals))
