"""Off-policy estimates: against sums over single users, against the truth, and refusals."""

from typing import Any

import numpy as np
import pytest

from benchmarks.statistics import off_policy
from benchmarks.statistics.logged_worlds import World
from models_app.bandit.design.design import Floats
from models_app.bandit.off_policy.evaluate import (
    Evaluation,
    LoggedCells,
    UnsupportedError,
    evaluate_policy,
)

EVEN = np.full((1, 2), 0.5)
SKEWED = np.array([[0.8, 0.2]])
SECOND = np.array([[0.0, 1.0]])


def logged(rows: Any) -> LoggedCells:
    """Rows of (day, version, holdout, variant, users, converted); one context."""
    day, version, holdout, variant, users, converted = np.array(rows).T
    nothing = np.zeros(len(rows), dtype=np.int64)
    counts = converted.astype(np.float64)
    return LoggedCells(
        regime=nothing,
        day=day,
        version=version,
        holdout=holdout > 0,
        variant=variant,
        context=nothing,
        users=users.astype(np.float64),
        converted=counts,
        value_sum=counts,
        value_sum_squares=counts,
    )


def evaluate(rows: Any, target: Floats, *tables: Floats) -> Evaluation:
    """Judge one table under the tables of versions 0, 1, …"""
    return evaluate_policy(
        logged(rows), tables.__getitem__, lambda _version: target, binary=True
    )


TWO_VERSIONS = [
    (0, 0, 0, 0, 500, 50),
    (0, 0, 0, 1, 500, 100),
    (1, 1, 0, 0, 800, 80),
    (1, 1, 0, 1, 200, 40),
]


def test_users_count_by_the_probability_they_were_shown_the_variant_with() -> None:
    found = evaluate(TWO_VERSIONS, SECOND, EVEN, SKEWED)

    assert found.target is not None
    assert found.target.ips.value == pytest.approx((100 / 0.5 + 40 / 0.2) / 2000)
    assert found.target.snips.value == pytest.approx(0.2)
    assert found.target.doubly_robust.value == pytest.approx(0.2, abs=0.001)
    assert found.served is not None
    assert found.served.ips.value == pytest.approx(270 / 2000)
    assert found.users == 2000


def test_sums_over_cells_say_what_sums_over_users_would() -> None:
    found = evaluate(TWO_VERSIONS, SECOND, EVEN, SKEWED)

    variance = 0.0
    for weight, n, seen, converted in ((2.0, 1000, 500, 100), (5.0, 1000, 200, 40)):
        users = np.zeros(n)
        users[:converted] = weight
        assert seen < n
        variance += n * users.var(ddof=1)
    error = np.sqrt(variance) / 2000
    assert found.target is not None
    low, high = found.target.ips.lo, found.target.ips.hi
    assert (high - low) / (2 * 1.959964) == pytest.approx(error, rel=0.01)


def test_the_holdout_speaks_for_the_baseline() -> None:
    with_holdout = [*TWO_VERSIONS, (0, 0, 1, 0, 1000, 100), (1, 1, 1, 0, 1000, 100)]
    first = SECOND[:, ::-1]

    alone = evaluate(TWO_VERSIONS, first, EVEN, SKEWED).target
    both = evaluate(with_holdout, first, EVEN, SKEWED).target

    assert alone is not None
    assert both is not None
    assert both.snips.value == pytest.approx(0.1)
    gained = both.snips.effective_sample_size / alone.snips.effective_sample_size
    assert gained == pytest.approx(3300 / 1230, rel=0.1)


def test_what_no_policy_showed_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError) as caught:
        evaluate(TWO_VERSIONS, SECOND, EVEN, np.array([[1.0, 0.0]]))

    assert (caught.value.version, caught.value.variant) == (1, 1)


def test_users_that_no_propensity_explains_are_left_out_and_counted() -> None:
    odd = [
        (0, 0, 1, 1, 7, 7),  # held out, and yet shown the second variant
        (2, 0, 1, 0, 9, 9),  # a day on which all were held out
    ]

    found = evaluate([*TWO_VERSIONS, *odd], SECOND, EVEN, SKEWED)

    assert (found.against_policy, found.without_comparison) == (7, 9)
    assert found.target == evaluate(TWO_VERSIONS, SECOND, EVEN, SKEWED).target


def test_what_was_served_differs_from_itself_by_nothing() -> None:
    found = evaluate(TWO_VERSIONS, EVEN, EVEN, EVEN)

    assert found.difference is not None
    assert (found.difference.lo, found.difference.hi) == (0, 0)
    assert found.target == found.served


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(0, 0, 0, 1, 90, 50)], "90 users can be used, 100 are needed"),
        ([(0, 0, 1, 0, 900, 50)], "no users of the optimized arm can be used"),
        ([(0, 1, 0, 0, 200, 100)], "rest on 40 users, 50 are needed"),
        ([(0, 0, 0, 1, 900, 9)], "rest on 4 conversions, 20 are needed"),
        ([(0, 0, 0, 1, 900, 0)], "rest on 0 conversions, 20 are needed"),
        ([(0, 0, 0, 1, 900, 900)], "rest on 0 users without one, 20 are needed"),
    ],
)
def test_too_little_is_withheld_with_the_reason(rows: Any, reason: str) -> None:
    found = evaluate(rows, SECOND, EVEN, SKEWED)

    assert (found.target, found.served, found.difference) == (None, None, None)
    assert found.withheld is not None
    assert found.withheld.endswith(reason)


def test_same_cells_in_any_order_and_pieces_say_the_same() -> None:
    halves = [(*row[:4], row[4] // 2, row[5] // 2) for row in TWO_VERSIONS[::-1]]

    one = evaluate(TWO_VERSIONS, SECOND, EVEN, SKEWED).target
    other = evaluate(halves + halves, SECOND, EVEN, SKEWED).target

    assert one is not None
    assert other is not None
    for name in ("ips", "snips", "doubly_robust"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine.lo, mine.hi) == pytest.approx((theirs.lo, theirs.hi))


def test_after_adaptive_allocation_intervals_hold_the_truth() -> None:
    worlds = (World(), World(kind="numeric", holdout=0.0))
    targets = ("baseline", "early version", "without context")

    rows = off_policy.run_study(25, 5, worlds, targets)

    for one in off_policy.ESTIMATORS:
        published = sum(row.covered[one].runs for row in rows)
        held = sum(row.covered[one].value * row.covered[one].runs for row in rows)
        assert published > 60
        # 94% less three Monte Carlo errors of the 50 runs behind all of these.
        assert held / published >= 0.94 - 3 * np.sqrt(0.94 * 0.06 / 50)
    # With even probabilities in place of those that served, they do not.
    runs = sum(row.assumed.runs for row in rows)
    assert sum(row.assumed.value * row.assumed.runs for row in rows) / runs < 0.3
