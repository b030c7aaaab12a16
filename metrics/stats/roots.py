"""How far from the estimate a hypothesis is still accepted."""

import math
from collections.abc import Callable

FIRST_STEP = 0.25
MAX_STEPS = 200
TOLERANCE = 1e-13


def find_accepted_end(
    excess: Callable[[float], float], estimate: float, null: float, end: float
) -> float:
    """Where acceptance ends on the way from ``estimate`` to ``end``.

    ``excess`` is |z| minus its critical value: at most 0 where a hypothesis is
    accepted. The search asks at ``null`` first, so that the interval holds the
    null exactly when its test accepts it, even where an odd table (a regime in
    which everybody converts) makes z turn back. ``end`` when nothing on the
    way is rejected.
    """
    if estimate == end:
        return end
    toward = math.copysign(1.0, end - estimate)
    inside = estimate
    if (null - estimate) * toward > 0:
        if excess(null) > 0:
            return _find_crossing(excess, estimate, null)
        inside = null
    step = FIRST_STEP
    while True:
        outside = inside + toward * step
        if (end - outside) * toward <= 0:
            outside = end
        if excess(outside) > 0:
            return _find_crossing(excess, inside, outside)
        if outside == end:
            return end
        inside, step = outside, 2 * step


def _find_crossing(f: Callable[[float], float], inside: float, outside: float) -> float:
    """The x between with f(x) = 0, for f(inside) ≤ 0 < f(outside).

    Ridders' method (1979): a bracket that always shrinks, and a step that
    bends with the function.
    """
    f_in, f_out = f(inside), f(outside)
    for _ in range(MAX_STEPS):
        middle = (inside + outside) / 2
        if abs(outside - inside) <= TOLERANCE * (1 + abs(middle)):
            break
        f_middle = f(middle)
        bend = math.sqrt(f_middle * f_middle - f_in * f_out)
        x = middle
        if 0 < bend < math.inf:
            x -= (middle - inside) * f_middle / bend
        for point, value in ((middle, f_middle), (x, f(x))):
            if not min(inside, outside) < point < max(inside, outside):
                continue
            if value <= 0:
                inside, f_in = point, value
            else:
                outside, f_out = point, value
    return inside
