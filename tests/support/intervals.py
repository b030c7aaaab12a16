"""Intervals of which an end may be missing."""

from metrics.stats.means import OpenInterval


def excludes(interval: OpenInterval, value: float) -> bool:
    """Return whether a value lies outside; a missing end excludes nothing."""
    low, high = interval
    return (low is not None and value < low) or (high is not None and value > high)
