"""Ends of intervals: how far from the estimate a test still accepts a hypothesis."""

import math
from collections.abc import Callable

FIRST_STEP = 0.25
MAX_STEPS = 200
TOLERANCE = 1e-13


def find_accepted_end(
    excess: Callable[[float], float], estimate: float, null: float, end: float
) -> float:
    """Return the value between `estimate` and `end` at which acceptance ends.

    `excess` is |z| minus its critical value: at most 0 if a hypothesis is accepted. The
    search tries `null` first. So the interval holds the null exactly if its test
    accepts it, even in an odd table (a regime in which everybody converts) that makes z
    turn back. Returns `end` if nothing in between is rejected.
    """
    if estimate == end:
        return end
    direction = math.copysign(1.0, end - estimate)
    inside = estimate
    if (null - estimate) * direction > 0:
        if excess(null) > 0:
            return _find_crossing(excess, estimate, null)
        inside = null
    step = FIRST_STEP
    while True:
        outside = inside + direction * step
        if (end - outside) * direction <= 0:
            outside = end
        if excess(outside) > 0:
            return _find_crossing(excess, inside, outside)
        if outside == end:
            return end
        inside, step = outside, 2 * step


def _find_crossing(f: Callable[[float], float], inside: float, outside: float) -> float:
    """Return the x in between with f(x) = 0, for f(inside) ≤ 0 < f(outside).

    Ridders' method (1979): the bracket always shrinks, and the step follows the
    curvature of the function.
    """
    f_in, f_out = f(inside), f(outside)
    for _ in range(MAX_STEPS):
        middle = (inside + outside) / 2
        if abs(outside - inside) <= TOLERANCE * (1 + abs(middle)):
            break
        f_middle = f(middle)
        root = math.sqrt(f_middle * f_middle - f_in * f_out)
        x = middle
        if 0 < root < math.inf:
            x -= (middle - inside) * f_middle / root
        for point, value in ((middle, f_middle), (x, f(x))):
            if not min(inside, outside) < point < max(inside, outside):
                continue
            if value <= 0:
                inside, f_in = point, value
            else:
                outside, f_out = point, value
    return inside
