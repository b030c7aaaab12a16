"""The few users with the most for so few: found for all and each arm, and sound worlds not."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pytest

from models_app.bandit.design.design import Floats
from optimizations.cube import whales
from optimizations.cube.cell_columns import COLUMN_NAMES, DayColumns
from warehouse.sql.cube.amount_buckets import EDGES

RUNS = 100
COLUMNS = ("holdout", "bucket", "users", "value_sum", "value_sum_squares")
Draw = Callable[[np.random.Generator], Floats]


def bucket_days(optimized: Floats, holdout: Floats, days: int = 7) -> list[DayColumns]:
    """Return days whose buckets hold these amounts, dealt out in turn."""
    return [
        DayColumns.from_lists(
            date(2026, 1, 1 + day),
            {name: [] for name in COLUMN_NAMES},
            _list_buckets([optimized[day::days], holdout[day::days]]),
        )
        for day in range(days)
    ]


def _list_buckets(arms: Sequence[Floats]) -> dict[str, list[float]]:
    """Return the buckets of a day, of the optimized arm and the holdout."""
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for holdout, amounts in enumerate(arms):
        buckets = np.searchsorted(EDGES, amounts) + 1
        for bucket in np.unique(buckets):
            values = amounts[buckets == bucket]
            sums = float(values.sum()), float((values**2).sum())
            row = (holdout, int(bucket), len(values), *sums)
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
    return columns


def fill(number: int, price: float) -> Floats:
    """Return that many equal amounts."""
    return np.full(number, price)


@pytest.mark.parametrize("number", [5, 6, 10, 11, 20, 30])
def test_the_few_who_make_up_most_are_found_with_their_true_numbers(
    number: int,
) -> None:
    optimized = np.append(fill(190 - number, 20.0), fill(number, 900.0))

    group = whales.find_top_group(bucket_days(optimized, fill(200, 20.0)))

    assert group is not None
    assert group.share > group.usual_share
    assert (group.users, group.in_holdout) == (number, 0)
    total = 900 * number + 20 * (group.payers - number)
    assert group.share == pytest.approx(900 * number / total)


def test_those_of_the_holdout_are_found_among_its_few_payers() -> None:
    holdout = np.append(fill(29, 20.0), [900.0, 900.0])

    group = whales.find_top_group(bucket_days(fill(2000, 20.0), holdout))

    assert group is not None
    assert (group.users, group.payers, group.in_holdout) == (2, 31, 2)
    assert group.arm == whales.HOLDOUT
    assert group.share == pytest.approx(1800 / 2380)
    assert group.share > group.usual_share


@pytest.mark.parametrize("payers", [60, 210, 2000])
@pytest.mark.parametrize(("sigma", "most"), [(0.0, 0), (0.5, 0), (1.0, 1), (1.5, 15)])
def test_log_normal_amounts_seldom_hang_on_a_few(
    payers: int, sigma: float, most: int
) -> None:
    assert _count_found(payers, lambda rng: rng.lognormal(3, sigma, payers)) <= most


@pytest.mark.parametrize("payers", [60, 210, 2000])
@pytest.mark.parametrize(("shape", "most"), [(1.5, 20), (2.2, 3)])
def test_pareto_amounts_seldom_hang_on_a_few(
    payers: int, shape: float, most: int
) -> None:
    assert _count_found(payers, lambda rng: 1 + rng.pareto(shape, payers)) <= most


def _count_found(payers: int, draw: Draw) -> int:
    """Return in how many worlds a few have more than usual."""
    found = 0
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, 11])
        amounts, is_held_out = draw(rng), rng.random(payers) < 0.1
        days = bucket_days(amounts[~is_held_out], amounts[is_held_out])
        group = whales.find_top_group(days)
        found += group is not None and group.share > group.usual_share
    return found


def test_without_amounts_there_is_no_group() -> None:
    assert whales.find_top_group([]) is None
