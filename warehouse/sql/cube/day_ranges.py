"""Ranges of requested days: one cube each, so that the events between stay unread."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from warehouse.sql.shapes import Cube, CubeSpec

DAY = timedelta(days=1)


def split_spec(spec: CubeSpec) -> list[CubeSpec]:
    """Return one spec per range of days, ascending.

    A new range begins where the next requested day starts more than `horizon_hours`
    after the end of the last one: no event is read for two ranges.
    """
    ranges: list[list[date]] = []
    horizon = timedelta(hours=spec.horizon_hours)
    for day in sorted(set(spec.days)):
        if ranges and day - ranges[-1][-1] - DAY <= horizon:
            ranges[-1].append(day)
        else:
            ranges.append([day])
    return [replace(spec, days=tuple(days)) for days in ranges]


def join_cubes(cubes: Sequence[Cube]) -> Cube:
    """Join the cubes of one or more ranges; no two of them share a day."""
    return Cube(
        cells=tuple(cell for cube in cubes for cell in cube.cells),
        lags=tuple(map(sum, zip(*(cube.lags for cube in cubes), strict=True))),
        crossover_users=sum(cube.crossover_users for cube in cubes),
        arm_mismatch_users=sum(cube.arm_mismatch_users for cube in cubes),
        rows_read=sum(cube.rows_read for cube in cubes),
        days=tuple(day for cube in cubes for day in cube.days),
        amounts=tuple(amount for cube in cubes for amount in cube.amounts),
    )


def compute_span(spec: CubeSpec) -> tuple[datetime, datetime]:
    """Compute when events may matter to a spec.

    From the start of the first day until the horizon of the last day's last user, or
    until `as_of` if that is sooner.
    """
    start = datetime.combine(min(spec.days), time(), UTC)
    end = datetime.combine(max(spec.days), time(), UTC) + DAY
    return start, min(end + timedelta(hours=spec.horizon_hours), spec.as_of)
