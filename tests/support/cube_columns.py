"""Cells as the columns that results are summed from."""

from collections.abc import Iterable
from itertools import groupby

from optimizations.cube import cell_columns
from optimizations.cube.cell_columns import CellArrays, DayColumns
from warehouse.sql.cube.statement import Cell


def make_days(cells: Iterable[Cell]) -> tuple[DayColumns, ...]:
    """Return the columns of cells that are ordered by day."""
    days = groupby(cells, key=lambda cell: cell.day)
    return tuple(
        DayColumns.from_lists(day, cell_columns.collect_columns(list(day_cells)))
        for day, day_cells in days
    )


def make_arrays(cells: Iterable[Cell]) -> CellArrays:
    """Return the arrays of cells that are ordered by day."""
    return cell_columns.build_arrays(make_days(cells))
