"""The range of hypotheses that a test accepts, for a test that takes many at once."""

from collections.abc import Callable

import numpy as np

from metrics.stats.restricted_rates import Floats

FIRST_STEP = 0.25
PIECES = 32
MAX_PASSES = 60
TOLERANCE = 1e-10

Excess = Callable[[Floats], Floats]


def find_accepted_range(
    excess: Excess, estimate: float, null: float, ends: tuple[float, float]
) -> tuple[float, float] | None:
    """Return the lowest and highest value around `estimate` that are accepted.

    `excess` is at most 0 where a hypothesis is accepted. Like `roots.find_accepted_end`
    it tries `null` on the way, so that the range holds the null exactly if its test
    accepts it, and gives an end of `ends` if nothing up to there is rejected. Returns
    None if the test rejects even the estimate.
    """
    at_estimate, at_null = excess(np.array([estimate, null]))
    if at_estimate > 0:
        return None
    inside, outside = [], []
    for end in ends:
        start, stop = estimate, end
        if (null - estimate) * (end - estimate) > 0:
            start, stop = (estimate, null) if at_null > 0 else (null, end)
        bracket = _find_bracket(excess, start, stop)
        inside.append(bracket[0])
        outside.append(bracket[1])
    low, high = _shrink_brackets(excess, np.array(inside), np.array(outside))
    return float(low), float(high)


def _find_bracket(excess: Excess, start: float, stop: float) -> tuple[float, float]:
    """Return neighbors of which the first is accepted and the second is not.

    Steps double. If nothing up to `stop` is rejected, both are `stop`.
    """
    direction = 1.0 if stop > start else -1.0
    count = (
        int(np.ceil(np.log2(abs(stop - start) / FIRST_STEP + 1)))
        if stop != start
        else 0
    )
    steps = direction * FIRST_STEP * (2.0 ** np.arange(1, count) - 1)
    points = np.concatenate([[start], start + steps, [stop]])
    rejected = excess(points) > 0
    rejected[0] = False
    if not rejected.any():
        return stop, stop
    first = int(rejected.argmax())
    return float(points[first - 1]), float(points[first])


def _shrink_brackets(excess: Excess, inside: Floats, outside: Floats) -> Floats:
    """Return the accepted sides [n] of brackets [n], shrunk together until they are narrow."""
    fractions = np.linspace(0, 1, PIECES + 1)[:, None]
    for _ in range(MAX_PASSES):
        width = np.abs(outside - inside)
        if (width <= TOLERANCE * (1e-3 + np.abs(inside))).all():
            break
        points = inside + fractions * (outside - inside)
        rejected = excess(points) > 0
        rejected[0], rejected[-1] = False, True
        first = rejected.argmax(axis=0)
        columns = np.arange(len(inside))
        inside, outside = points[first - 1, columns], points[first, columns]
    return inside
