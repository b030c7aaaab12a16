"""Sums over columns of cells equal sums made cell by cell, to the last bit."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from optimizations.cube import aggregates, cell_columns
from optimizations.cube.aggregates import Counts
from tests.support import reference_sums
from tests.support.cube_columns import make_arrays, make_days
from tests.support.drawn_cells import draw_cells
from warehouse.sql.cube.statement import Cell

KINDS = ("bool", "numeric")


@given(draw_cells())
def test_counts_are_grouped_in_the_order_of_first_cells(cells: list[Cell]) -> None:
    arrays = make_arrays(cells)

    counts = aggregates.count_by_key(arrays, arrays.variant, arrays.holdout)

    reference = reference_sums.count_by_key(cells, lambda c: (c.variant, c.holdout))
    assert list(counts.items()) == list(reference.items())


@pytest.mark.parametrize("kind", KINDS)
@given(cells=draw_cells())
def test_day_totals_are_equal_to_the_last_bit(kind: str, cells: list[Cell]) -> None:
    days = aggregates.compute_day_totals(make_arrays(cells), kind)

    assert [
        (day.day, day.regime, day.optimized, day.holdout) for day in days
    ] == reference_sums.compute_day_totals(cells, kind)


@pytest.mark.parametrize("kind", KINDS)
@given(cells=draw_cells())
def test_totals_are_equal_to_the_last_bit(kind: str, cells: list[Cell]) -> None:
    arrays = make_arrays(cells)

    assert aggregates.compute_totals(arrays, kind) == reference_sums.compute_totals(
        cells, kind
    )
    assert aggregates.compute_totals_by_key(arrays, kind, arrays.context) == {
        (context,): reference_sums.compute_totals(
            (cell for cell in cells if cell.context == context), kind
        )
        for context in {cell.context for cell in cells}
    }


@pytest.mark.parametrize("kind", KINDS)
@given(cells=draw_cells(), users=st.integers(0, 2_000))
def test_the_recent_holdout_has_the_same_cells(
    kind: str, cells: list[Cell], users: int
) -> None:
    recent = aggregates.select_recent_holdout(make_arrays(cells), kind, users)

    reference = reference_sums.select_recent_holdout(cells, kind, users)
    assert recent.users.tolist() == [cell.users for cell in reference]
    assert recent.value_sum.tolist() == [cell.value_sum for cell in reference]


def test_sums_over_no_cells_are_zero() -> None:
    nothing = make_arrays([])

    assert aggregates.count_by_key(nothing, nothing.variant) == {}
    assert aggregates.compute_totals(nothing, "numeric").users == 0
    assert aggregates.compute_strata(nothing, "bool") == {}
    assert len(aggregates.select_recent_holdout(nothing, "bool")) == 0
    assert Counts() == Counts(0, 0, 0)


@given(draw_cells())
def test_columns_give_back_their_cells(cells: list[Cell]) -> None:
    days = make_days(cells)

    rebuilt = [cell for day in days for cell in cell_columns.build_cells(day)]
    assert rebuilt == cells
    for day in days:
        assert (
            cell_columns.build_cells(day, 1, 3)
            == [replace(cell) for cell in cells if cell.day == day.day][1:3]
        )
