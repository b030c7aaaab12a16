"""Off-policy estimates: against sums over users, coverage, and withheld estimates."""

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


def build_logged(rows: Any) -> LoggedCells:
    """Return cells of (day, version, holdout, variant, users, converted); one context."""
    day, version, holdout, variant, users, converted = np.array(rows).T
    zeros = np.zeros(len(rows), dtype=np.int64)
    counts = converted.astype(np.float64)
    return LoggedCells(
        regime=zeros,
        day=day,
        version=version,
        holdout=holdout > 0,
        variant=variant,
        context=zeros,
        users=users.astype(np.float64),
        converted=counts,
        value_sum=counts,
        value_sum_squares=counts,
    )


def evaluate_table(rows: Any, target: Floats, *tables: Floats) -> Evaluation:
    """Evaluate the target table; versions 0, 1, … served `tables`."""
    return evaluate_policy(
        build_logged(rows), tables.__getitem__, lambda _version: target, binary=True
    )


TWO_VERSIONS = [
    (0, 0, 0, 0, 500, 50),
    (0, 0, 0, 1, 500, 100),
    (1, 1, 0, 0, 800, 80),
    (1, 1, 0, 1, 200, 40),
]


def test_users_are_weighted_by_their_propensity() -> None:
    result = evaluate_table(TWO_VERSIONS, SECOND, EVEN, SKEWED)

    assert result.target is not None
    assert result.target.ips.value == pytest.approx((100 / 0.5 + 40 / 0.2) / 2000)
    assert result.target.snips.value == pytest.approx(0.2)
    assert result.target.doubly_robust.value == pytest.approx(0.2, abs=0.001)
    assert result.served is not None
    assert result.served.ips.value == pytest.approx(270 / 2000)
    assert result.users == 2000


def test_errors_from_cells_agree_with_those_from_users() -> None:
    result = evaluate_table(TWO_VERSIONS, SECOND, EVEN, SKEWED)

    variance = 0.0
    for weight, n, converted in ((2.0, 1000, 100), (5.0, 1000, 40)):
        users = np.zeros(n)
        users[:converted] = weight
        variance += n * users.var(ddof=1)
    error = np.sqrt(variance) / 2000
    assert result.target is not None
    low, high = result.target.ips.lo, result.target.ips.hi
    assert (high - low) / (2 * 1.959964) == pytest.approx(error, rel=0.01)


def test_the_holdout_counts_for_the_baseline() -> None:
    with_holdout = [*TWO_VERSIONS, (0, 0, 1, 0, 1000, 100), (1, 1, 1, 0, 1000, 100)]
    baseline = SECOND[:, ::-1]

    alone = evaluate_table(TWO_VERSIONS, baseline, EVEN, SKEWED).target
    both = evaluate_table(with_holdout, baseline, EVEN, SKEWED).target

    assert alone is not None
    assert both is not None
    assert both.snips.value == pytest.approx(0.1)
    ratio = both.snips.effective_sample_size / alone.snips.effective_sample_size
    assert ratio == pytest.approx(3300 / 1230, rel=0.1)


def test_a_variant_that_was_never_served_is_unsupported() -> None:
    with pytest.raises(UnsupportedError) as caught:
        evaluate_table(TWO_VERSIONS, SECOND, EVEN, np.array([[1.0, 0.0]]))

    assert (caught.value.version, caught.value.variant) == (1, 1)


def test_users_without_a_propensity_are_left_out_and_counted() -> None:
    unusable = [
        (0, 0, 1, 1, 7, 7),  # in the holdout, but shown the second variant
        (2, 0, 1, 0, 9, 9),  # a day on which all users were in the holdout
    ]

    result = evaluate_table([*TWO_VERSIONS, *unusable], SECOND, EVEN, SKEWED)

    assert (result.against_policy, result.without_comparison) == (7, 9)
    assert result.target == evaluate_table(TWO_VERSIONS, SECOND, EVEN, SKEWED).target


def test_the_served_policy_does_not_differ_from_itself() -> None:
    result = evaluate_table(TWO_VERSIONS, EVEN, EVEN, EVEN)

    assert result.difference is not None
    assert (result.difference.lo, result.difference.hi) == (0, 0)
    assert result.target == result.served


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(0, 0, 0, 1, 90, 50)], "only 90 users are usable; 100 are needed"),
        ([(0, 0, 1, 0, 900, 50)], "no user of the optimized arm is usable"),
        ([(0, 1, 0, 0, 200, 100)], "rest on 40 users; 50 are needed"),
        ([(0, 0, 0, 1, 900, 9)], "rest on 4 conversions; 20 are needed"),
        ([(0, 0, 0, 1, 900, 0)], "rest on 0 conversions; 20 are needed"),
        (
            [(0, 0, 0, 1, 900, 900)],
            "rest on 0 users without a conversion; 20 are needed",
        ),
    ],
)
def test_estimates_from_too_few_data_are_withheld_with_a_reason(
    rows: Any, reason: str
) -> None:
    result = evaluate_table(rows, SECOND, EVEN, SKEWED)

    assert (result.target, result.served, result.difference) == (None, None, None)
    assert result.withheld is not None
    assert result.withheld.endswith(reason)


def test_the_order_and_splitting_of_cells_does_not_matter() -> None:
    halves = [(*row[:4], row[4] // 2, row[5] // 2) for row in TWO_VERSIONS[::-1]]

    unsplit = evaluate_table(TWO_VERSIONS, SECOND, EVEN, SKEWED).target
    split = evaluate_table(halves + halves, SECOND, EVEN, SKEWED).target

    assert unsplit is not None
    assert split is not None
    for name in ("ips", "snips", "doubly_robust"):
        expected, estimate = getattr(unsplit, name), getattr(split, name)
        assert (estimate.lo, estimate.hi) == pytest.approx((expected.lo, expected.hi))


def test_intervals_cover_the_truth_after_adaptive_allocation() -> None:
    worlds = (World(), World(kind="numeric", holdout=0.0))
    targets = ("baseline", "early version", "without context")

    rows = off_policy.run_study(25, 5, worlds, targets)

    for name in off_policy.ESTIMATORS:
        shares = [row.covered[name] for row in rows]
        published = sum(share.runs for share in shares)
        covered = sum(share.value * share.runs for share in shares)
        assert published > 60
        # 94% minus three Monte Carlo errors of the 50 runs behind all of these
        assert covered / published >= 0.94 - 3 * np.sqrt(0.94 * 0.06 / 50)
    # with even probabilities instead of those that served, they do not
    runs = sum(row.assumed.runs for row in rows)
    assert sum(row.assumed.value * row.assumed.runs for row in rows) / runs < 0.3
