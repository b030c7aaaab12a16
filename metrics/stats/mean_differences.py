"""The difference of two means, tested with the variance that holds under it.

The hypothesis "optimized = holdout + d" says how many times the holdout's mean the
optimized one is, and so how the spreads of the arms compare (see metrics.stats.means).
Plain ± intervals use the spread seen instead. At lognormal amounts of log-sd 2, 5% payers
and a true effect of +100%, they missed the truth at some daily look in 19% of runs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from metrics.stats.means import Interval, Means, MeanVariances, PooledSums
from metrics.stats.roots import find_accepted_end

# The largest ratio of means that is looked at, and its inverse the smallest.
MAX_RATIO = 20.0
BESIDE_ZERO = 1e-9  # of the estimate
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class DifferenceTest:
    """The test of hypothetical differences d of two weighted means.

    `is_negative` says that the values sum to less than zero: then both arms are compared
    with their signs turned, as a mean below zero has no multiples.
    """

    means: Means
    own: MeanVariances
    pooled: PooledSums
    is_negative: bool = False

    def compute_z(self, difference: float) -> float:
        """Return the distance from the hypothesis over its standard error."""
        distance = self.means.difference - difference
        sd = math.sqrt(self.compute_variance(difference))
        if not sd:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / sd

    def compute_interval(self, critical: float) -> Interval:
        """Return the differences with |z| ≤ critical around the estimate.

        An end is infinite if it would be beyond MAX_RATIO times a mean: the data do not say
        how far the difference may reach.
        """
        # in standard errors, so that the first step of the search fits
        unit = max(math.sqrt(self.compute_variance(0.0)), 1e-300)
        estimate = self.means.difference / unit

        def excess(difference: float) -> float:
            return abs(self.compute_z(difference * unit)) - critical

        low, high = (
            _find_end(excess, estimate, limit / unit) for limit in self._list_limits()
        )
        return low * unit, high * unit

    def _list_limits(self) -> Interval:
        """Return the differences at which the ratio of means reaches its bounds."""
        sign = -1.0 if self.is_negative else 1.0
        optimized, holdout = sign * self.means.optimized, sign * self.means.holdout
        less = (MAX_RATIO - 1) * optimized if optimized > 0 else math.inf
        more = (MAX_RATIO - 1) * holdout if holdout > 0 else math.inf
        return (-more, less) if self.is_negative else (-less, more)

    def _compute_ratio(self, difference: float) -> float:
        """Return optimized over holdout mean under the hypothesis.

        It is 0 or infinite where the mean that it starts from is not above zero.
        """
        sign = -1.0 if self.is_negative else 1.0
        optimized, holdout = sign * self.means.optimized, sign * self.means.holdout
        d = sign * difference
        if d > 0:
            return (holdout + d) / holdout if holdout > 0 else math.inf
        if d < 0:
            return optimized / (optimized - d) if optimized > 0 else 0.0
        return 1.0

    def _list_scales(self, difference: float) -> tuple[float, ...]:
        """Return how many times the holdout's variance the optimized one may be.

        r for more payers, r² for larger amounts. Beyond the bounds of r nobody knows, and
        equal variances are tried as well.
        """
        ratio = self._compute_ratio(difference)
        bounded = min(max(ratio, 1 / MAX_RATIO), MAX_RATIO)
        is_unknown = abs(ratio - bounded) > ROUNDING * bounded
        return (bounded, bounded * bounded, *((1.0,) if is_unknown else ()))

    def compute_variance(self, difference: float) -> float:
        """Return the largest variance: own, and pooled under the hypothesis."""
        sums = self.pooled
        own = self.own.optimized + self.own.holdout
        same = sums.optimized_optimized + sums.holdout_holdout
        return max(
            own,
            *(
                same + sums.optimized_holdout / scale + sums.holdout_optimized * scale
                for scale in self._list_scales(difference)
            ),
        )


def _find_end(excess: Callable[[float], float], estimate: float, limit: float) -> float:
    """Return where acceptance ends before the limit; infinite if it does not."""
    direction = math.copysign(1.0, limit)
    if (limit - estimate) * direction <= 0:
        return direction * math.inf
    # Beside a mean below zero the variance jumps at 0: the end is just on this side of it.
    beside_zero = estimate * BESIDE_ZERO
    if estimate * direction < 0 and excess(0.0) > 0 >= excess(beside_zero):
        return beside_zero
    end = find_accepted_end(excess, estimate, 0.0, limit)
    return direction * math.inf if end == limit else end
