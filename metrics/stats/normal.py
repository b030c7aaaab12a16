"""The normal distribution, without scipy."""

import math
from statistics import NormalDist

# Error level of every published interval, which are all 95% intervals.
ALPHA = 0.05

CRITICAL = NormalDist().inv_cdf(1 - ALPHA / 2)


def compute_two_sided_p(z: float) -> float:
    """Return P(|Z| ≥ |z|) for a standard normal Z; exact far into the tail."""
    return math.erfc(abs(z) / math.sqrt(2))


def compute_critical(alpha: float) -> float:
    """Return the z that |Z| exceeds with probability `alpha`."""
    return NormalDist().inv_cdf(1 - alpha / 2)
