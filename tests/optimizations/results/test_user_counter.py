"""Users counted by group equal those counted cell by cell."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, strategies as st

from metrics.models import Metric
from optimizations.cube import cell_groups
from optimizations.cube.refresh import ObservationCube
from optimizations.results.user_counts import UserCounter, UserCounts
from tests.support import reference_sums
from tests.support.cube_columns import make_days
from tests.support.drawn_cells import draw_cells
from warehouse.sql.cube.statement import Cell

WEIGHTS = {"good": 2.0, "nothing": 0.0, "bad": -3.0}
KINDS: dict[str, Callable[[Cell], int]] = {
    "bool": lambda cell: cell.converted,
    "numeric": lambda cell: cell.payers,
    "outcomes": lambda cell: cell.converted if cell.outcome == "good" else 0,
}


def make_cube(cells: Iterable[Cell]) -> ObservationCube:
    """Return a cube of these cells."""
    return ObservationCube(make_days(cells), (0,) * 32, 0, 0, None)


def make_counter(kind: str, cube: ObservationCube) -> UserCounter:
    """Return a counter for a metric that is not stored."""
    weights = [{"key": key, "weight": weight} for key, weight in WEIGHTS.items()]
    outcomes = weights if kind == "outcomes" else None
    metric = Metric(column_mapping={"reward_type": kind}, outcomes=outcomes)
    return UserCounter(metric, cube)


def count_cells(cells: list[Cell], kind: str) -> UserCounts:
    """Return the counts of cells, one cell at a time."""
    mature = [cell for cell in cells if cell.mature]
    totals = reference_sums.compute_totals(mature, kind)
    return UserCounts(
        users=sum(cell.users for cell in cells),
        exposures=sum(cell.exposures for cell in cells),
        conversions=sum(KINDS[kind](cell) for cell in cells),
        rewarded_users=sum(cell.converted for cell in cells),
        mature_users=totals.users,
        mature_exposures=sum(cell.exposures for cell in mature),
        mature_conversions=sum(KINDS[kind](cell) for cell in mature),
        mean_reward=totals.value_sum / totals.users if mature else None,
    )


@pytest.mark.parametrize("kind", KINDS)
@given(cells=draw_cells(tuple(WEIGHTS)))
def test_groups_are_counted_as_cell_by_cell(kind: str, cells: list[Cell]) -> None:
    cube = make_cube(cells)

    counts = make_counter(kind, cube).count(cube.arrays.variant, cube.arrays.holdout)

    assert counts == {
        key: count_cells([c for c in cells if (c.variant, c.holdout) == key], kind)
        for key in {(cell.variant, cell.holdout) for cell in cells}
    }


@given(draw_cells())
def test_groups_in_the_order_of_their_keys_are_the_same_groups(
    cells: list[Cell],
) -> None:
    arrays = make_cube(cells).arrays
    columns = arrays.day, arrays.variant

    by_cell = cell_groups.group_cells(columns)
    by_key = cell_groups.group_cells(columns, in_key_order=True)

    users = [groups.sum_integers(arrays.users) for groups in (by_cell, by_key)]
    assert by_key.keys == sorted(by_cell.keys)
    assert dict(zip(by_key.keys, users[1], strict=True)) == dict(
        zip(by_cell.keys, users[0], strict=True)
    )


@given(draw_cells(), st.booleans())
def test_mature_cells_are_those_whose_horizon_passed(
    cells: list[Cell], all_mature: bool
) -> None:
    chosen = [cell for cell in cells if cell.mature or not all_mature]

    arrays = make_cube(chosen).mature_arrays

    assert arrays.users.tolist() == [cell.users for cell in cells if cell.mature]
