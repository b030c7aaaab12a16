"""The normal distribution, without scipy."""

import math
from statistics import NormalDist

ALPHA = 0.05
"""Error level of every published interval, which are all 95% intervals."""

CRITICAL = NormalDist().inv_cdf(1 - ALPHA / 2)


def compute_two_sided_p(z: float) -> float:
    """Return P(|Z| ≥ |z|) for a standard normal Z; exact far into the tail."""
    return math.erfc(abs(z) / math.sqrt(2))
