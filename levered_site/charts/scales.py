"""From values to pixels, and where an axis has its ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LARGEST = 1e100  # beyond it differences of two values may overflow


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from the values [low, high] to the pixels [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return the pixel of a value; values beyond an end are at that end."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def contains(self, value: float) -> bool:
        """Return whether the value is not beyond an end."""
        return self.low <= value <= self.high


def keep_finite(value: float | None) -> float | None:
    """Return the value, or None where it cannot be drawn: it is then a gap."""
    if value is None or not math.isfinite(value) or abs(value) > LARGEST:
        return None
    return float(value)


def find_range(values: Iterable[float], *, margin: float = 0.05) -> tuple[float, float]:
    """Return the ends of an axis for these values: never equal, a little room beside."""
    listed = list(values) or [0.0]
    low, high = min(listed), max(listed)
    room = margin * (high - low)
    if room == 0:
        room = 0.1 * abs(high) or 1.0
    return low - room, high + room


def find_step(span: float, count: int) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that makes `count` steps or less."""
    least = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * nice for nice in (1, 2, 5, 10) if power * nice >= least)


def list_ticks(low: float, high: float, count: int) -> tuple[Sequence[float], float]:
    """Return the ticks in [low, high], about `count`, and the step between them."""
    step = find_step(high - low, count)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, min(last, first + 50) + 1)], step


def find_central_range(
    values: Sequence[float], ends: Sequence[float]
) -> tuple[float, float]:
    """Return a range that holds the values, and of the ends those that are not extreme.

    The first intervals of a test are a hundred times as wide as the last; an axis that
    held them would show a flat line. What is beyond is drawn to the edge.
    """
    around = [*values, 0.0]
    reach = max(abs(value) for value in around)
    ordered = sorted(abs(end) for end in ends)
    if ordered:
        reach = max(1.25 * reach, 1.5 * ordered[(len(ordered) - 1) // 2])
    near = [max(-reach, min(reach, end)) for end in ends]
    return find_range([*around, *near])
