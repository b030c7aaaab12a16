"""Where labels go so that none lies over another."""

from collections.abc import Sequence
from itertools import pairwise


def spread_centers(
    centers: Sequence[float], height: float, low: float, high: float
) -> list[float]:
    """Return ascending centers moved apart to `height`, inside [low, high] if they fit."""
    moved: list[float] = []
    floor = low + height / 2
    for center in centers:
        moved.append(max(center, floor))
        floor = moved[-1] + height
    ceiling = high - height / 2
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - height
    return moved


def assign_lanes(
    spans: Sequence[tuple[float, float]], lanes: int, gap: float = 6
) -> list[int | None]:
    """Return a lane for each span from left to right, None where all are taken."""
    ends = [float("-inf")] * lanes
    assigned: list[int | None] = []
    for left, right in spans:
        free = (lane for lane, end in enumerate(ends) if left >= end + gap)
        lane = next(free, None)
        if lane is not None:
            ends[lane] = right
        assigned.append(lane)
    return assigned


def choose_regular(
    spans: Sequence[tuple[float, float]], gap: float = 8, *, kept: int = 0
) -> range:
    """Return the spans to show, from left to right: all, or every nth so that none touch.

    The span of the index `kept` is among them.
    """
    count = len(spans)
    steps = (range(kept % step, count, step) for step in range(1, count + 1))
    return next((shown for shown in steps if _are_apart(spans, shown, gap)), range(0))


def _are_apart(spans: Sequence[tuple[float, float]], shown: range, gap: float) -> bool:
    return all(
        spans[before][1] + gap <= spans[after][0] for before, after in pairwise(shown)
    )
