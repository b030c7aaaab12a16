"""Days wanted that lie apart: a cube for each run of them, so that what is between stays unread."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from warehouse.sql.shapes import Cube, CubeSpec

DAY = timedelta(days=1)


def split_spec(spec: CubeSpec) -> list[CubeSpec]:
    """Write one spec for each run of days, ascending.

    A run ends where the next wanted day begins after the horizon of the last one, in
    hours, has passed: no event is read for two runs.
    """
    runs: list[list[date]] = []
    for day in sorted(set(spec.days)):
        if runs and day - runs[-1][-1] - DAY <= timedelta(hours=spec.horizon_hours):
            runs[-1].append(day)
        else:
            runs.append([day])
    return [replace(spec, days=tuple(run)) for run in runs]


def join_cubes(cubes: Sequence[Cube]) -> Cube:
    """Put the cubes of one or more runs together; their days are not the same."""
    return Cube(
        cells=tuple(cell for cube in cubes for cell in cube.cells),
        lags=tuple(map(sum, zip(*(cube.lags for cube in cubes), strict=True))),
        crossover_users=sum(cube.crossover_users for cube in cubes),
        arm_mismatch_users=sum(cube.arm_mismatch_users for cube in cubes),
        rows_read=sum(cube.rows_read for cube in cubes),
        days=tuple(day for cube in cubes for day in cube.days),
    )
