"""Sums over buckets of amounts equal those over the users' own values."""

import zlib
from datetime import date, timedelta

import numpy as np
import orjson
import pytest
from hypothesis import given, settings, strategies as st

from metrics.stats import Totals
from optimizations.cube import amounts, cell_columns, storage
from optimizations.cube.cell_columns import DayColumns
from tests.support.reference_cube import find_bucket
from warehouse.sql.cube.amount_buckets import BUCKETS, EDGES
from warehouse.sql.shapes import AmountBucket, Cell

START = date(2026, 3, 1)
# By (regime, whether held out): the values of one day's mature users.
Values = dict[tuple[int, bool], list[float]]


def build_day(day: date, values: Values, *, mature: bool = True) -> DayColumns:
    """Return a day as the cube stores it, from the values of its users."""
    cells, buckets = [], []
    for (regime, holdout), paid in values.items():
        numbers = np.array(paid)
        logs = np.log(numbers[numbers > 0])
        total, squares = float(numbers.sum()), float((numbers**2).sum())
        counts = (len(paid), len(paid), int((numbers != 0).sum()), total, squares)
        sums = (len(logs), float(logs.sum()), float((logs**2).sum()))
        key = (regime, day, 0, holdout, 1, 0, None, mature, None)
        cells.append(Cell(*key, *counts, *sums))
        for bucket in sorted({find_bucket(value) for value in paid if value}):
            inside = [v for v in paid if v and find_bucket(v) == bucket]
            squares = sum(v * v for v in inside)
            buckets.append(
                AmountBucket(
                    regime, day, holdout, bucket, len(inside), sum(inside), squares
                )
            )
    return DayColumns.from_lists(
        day,
        cell_columns.collect_columns(cells),
        cell_columns.collect_amounts(buckets),
    )


paid_values = st.lists(
    st.one_of(st.just(0.0), st.sampled_from(EDGES), st.floats(-1e6, 1e6)),
    min_size=1,
    max_size=30,
)
days_of_values = st.lists(
    st.dictionaries(
        st.tuples(st.integers(1, 3), st.booleans()), paid_values, min_size=1
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=100, deadline=None)
@given(days_of_values, st.sampled_from(EDGES))
def test_capped_sums_equal_those_of_every_user(
    history: list[Values], cap: float
) -> None:
    days = [build_day(START + timedelta(n), values) for n, values in enumerate(history)]
    cells, payments = (
        cell_columns.build_arrays(days),
        cell_columns.build_payment_arrays(days),
    )

    strata = amounts.build_strata(cells, payments, days, cap)

    regimes = sorted({regime for values in history for regime, _ in values})
    assert len(strata) == len(regimes)
    for regime, pair in zip(regimes, strata, strict=True):
        for arm, holdout in zip(pair, (False, True), strict=True):
            paid = [v for values in history for v in values.get((regime, holdout), [])]
            cut = [max(-cap, min(v, cap)) for v in paid]
            assert arm.users == len(paid)
            assert arm.logs.users == sum(v > 0 for v in paid)
            assert arm.capped is not None
            assert arm.capped.value_sum == pytest.approx(sum(cut), abs=1e-6 * cap)
            squares = sum(v * v for v in cut)
            assert arm.capped.value_sum_squares == pytest.approx(squares)


@given(st.floats(-1e13, 1e13))
def test_a_bucket_holds_values_up_to_its_edge(value: float) -> None:
    if not value:
        return
    bucket = abs(find_bucket(value))

    assert (find_bucket(value) > 0) == (value > 0)
    assert bucket == BUCKETS or abs(value) <= EDGES[bucket - 1]
    assert bucket == 1 or abs(value) > EDGES[bucket - 2]


def build_weeks(days: int, payers: int, *, mature: bool = True) -> list[DayColumns]:
    """Return days with so many payers each, of 1, 2, 3, … and a refund."""
    paid = [float(n) for n in range(1, payers + 1)]
    return [
        build_day(START + timedelta(n), {(1, False): [*paid, -5.0, 0.0]}, mature=mature)
        for n in range(days)
    ]


def test_the_cap_is_what_four_fifths_of_the_payers_stay_under() -> None:
    """Ten payers a day of 1 to 10: 8 and less are 80%, and the next edge is 10."""
    assert amounts.find_cap(build_weeks(7, 10)) == 10.0


def test_the_cap_waits_for_a_week_and_for_fifty_payers() -> None:
    assert amounts.find_cap(build_weeks(6, 10)) is None
    assert amounts.find_cap(build_weeks(9, 5)) is None
    assert amounts.find_cap(build_weeks(10, 5)) == 5.623
    assert (
        amounts.find_cap([*build_weeks(6, 10), *build_weeks(7, 10, mature=False)[6:]])
        is None
    )
    assert amounts.find_cap([]) is None


def test_later_days_do_not_move_the_cap() -> None:
    later = build_day(START + timedelta(7), {(1, False): [1e6] * 500})

    assert amounts.find_cap([*build_weeks(7, 10), later]) == 10.0


def test_a_day_without_buckets_is_counted_as_missing() -> None:
    week = build_weeks(7, 10)
    old = DayColumns(week[0].day, week[0].columns)

    assert amounts.count_days_without_buckets([old, *week[1:]]) == 1
    assert amounts.find_cap([old, *week[1:]]) is None


def test_an_empty_cube_has_no_strata() -> None:
    arrays = cell_columns.build_arrays([])
    payments = cell_columns.build_payment_arrays([])

    assert amounts.build_strata(arrays, payments, [], 10.0) == []
    assert Totals(0, 0.0, 0.0) == amounts.NO_USERS


def test_a_stored_day_keeps_its_buckets_and_earlier_versions_read_its_cells() -> None:
    """They know the columns of cells alone, and slice each of them."""
    (day,) = build_weeks(1, 10)
    stored = storage.StoredDay(
        day.day,
        tuple(cell_columns.build_cells(day)),
        (0,) * 32,
        0,
        0,
        "0" * 16,
        amounts=cell_columns.build_amounts(day),
    )

    data = storage.encode_day(stored)

    assert storage.decode_day(day.day, data) == stored
    columns = orjson.loads(zlib.decompress(data[storage.HEADER_LENGTH :]))["columns"]
    cut = {name: values[0:1] for name, values in columns.items()}
    as_before = DayColumns.from_lists(day.day, cut)
    assert tuple(cell_columns.build_cells(as_before)) == stored.cells
