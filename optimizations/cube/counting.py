"""Have the warehouse count stale days, each regime by its own revision of the metric."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain

from levered_site.errors import LeveredError
from optimizations.configuration.revision_regimes import RevisionRegimes
from optimizations.cube import count_task, day_records, stale_days_external, storage
from optimizations.cube.count_task import CountTask
from optimizations.cube.stale_days import StaleDays
from optimizations.cube.stale_days_external import NO_ROWS, StoredRows
from optimizations.cube.storage import StoredDay
from warehouse.sql.cube.statement import AmountBucket, Cell, Cube, DayCounts

NO_LAGS = (0,) * 32
NEVER_COUNTED = StoredRows(None)


def count_days(stale: StaleDays) -> int:
    """Have the warehouse count the days and store them; return the rows read."""
    task, cubes = _count_cubes(stale)
    day_records.store_days(
        task.optimization,
        task.metric,
        _build_days(task, cubes, stale),
        _build_stored_rows(task, stale),
        horizon_hours=task.spec.horizon_hours,
        as_of=task.spec.as_of,
    )
    return sum(cube.rows_read for cube in cubes.values())


def _count_cubes(stale: StaleDays) -> tuple[CountTask, dict[RevisionRegimes, Cube]]:
    task, cubes = stale.task, {}
    for revision in task.plan.revisions:
        days = tuple(filter(revision.regimes.covers, stale.days))
        if not days:
            continue
        spec = replace(revision.spec, days=days)
        query = task.queries[revision.definition.revision]
        try:
            cube = task.warehouse.compute_cube(spec, query, task.source)
        except LeveredError as error:
            if revision == task.plan.present:
                raise
            task = replace(task, plan=count_task.leave_out(task.plan, revision, error))
        else:
            cubes[revision.regimes] = cube
    return task, cubes


def _load_kept(
    task: CountTask, days: Sequence[date]
) -> tuple[list[Cell], list[AmountBucket]]:
    """Return the stored cells and amounts of regimes that cannot be counted again."""
    numbers = {n for regimes in task.plan.uncountable for n in regimes.numbers}
    shared = [
        day
        for day in days
        if any(regimes.covers(day) for regimes in task.plan.uncountable)
    ]
    stored = day_records.load_days(task.optimization, task.metric, shared)
    return (
        [cell for day in stored for cell in day.cells if cell.regime in numbers],
        [row for day in stored for row in day.amounts or () if row.regime in numbers],
    )


def _build_days(
    task: CountTask, cubes: Mapping[RevisionRegimes, Cube], stale: StaleDays
) -> Iterator[StoredDay]:
    """Put each day together, also without users.

    A day whose newest revision could not be counted is left as it is stored. The counts
    that are not split by cell are those of the newest revision.
    """
    cells: defaultdict[date, list[Cell]] = defaultdict(list)
    amounts: defaultdict[date, list[AmountBucket]] = defaultdict(list)
    kept_cells, kept_amounts = _load_kept(task, stale.days)
    for cell in chain(kept_cells, *(cube.cells for cube in cubes.values())):
        cells[cell.day].append(cell)
    for row in chain(kept_amounts, *(cube.amounts for cube in cubes.values())):
        amounts[row.day].append(row)
    counts = {
        regimes: {day_counts.day: day_counts for day_counts in cube.days}
        for regimes, cube in cubes.items()
    }
    fingerprints = {
        revision.regimes: storage.compute_fingerprint(revision.spec)
        for revision in task.plan.revisions
    }
    for day in stale.days:
        if (newest := task.plan.find_newest(day)) is None:
            continue
        day_counts = counts[newest.regimes].get(day, DayCounts(day, NO_LAGS, 0, 0))
        rows = None
        if stale.rows_by_day is not None:
            rows = stale.rows_by_day.get(day, NO_ROWS)
        yield StoredDay(
            day=day,
            cells=tuple(sorted(cells[day], key=lambda cell: cell.regime)),
            lags=day_counts.lags,
            crossover_users=day_counts.crossover_users,
            arm_mismatch_users=day_counts.arm_mismatch_users,
            fingerprint=fingerprints[newest.regimes],
            exposure_rows=None if rows is None else rows.exposures,
            reward_rows=None if rows is None else rows.rewards,
            blank_exposures=day_counts.blank_exposures,
            amounts=tuple(amounts[day])
            if newest.spec.reward_type == "numeric"
            else None,
            notes=day_counts.notes,
        )


def _build_stored_rows(task: CountTask, stale: StaleDays) -> dict[date, StoredRows]:
    """Return the rows that the days are counted with, and when rows were changed.

    A day without rows is among them: perhaps all that it had were deleted.
    """
    if stale.rows_by_day is None:
        return {}
    rows_by_day = dict.fromkeys(stale.days, NO_ROWS) | dict(stale.rows_by_day)
    before = day_records.load_stored_rows(task.optimization, task.metric)
    comparable = {
        day: rows
        for day, rows in before.items()
        if day in rows_by_day and _is_counted_alike(task, day, rows)
    }
    changed = stale_days_external.find_days_changed_in_place(comparable, rows_by_day)
    return {
        day: StoredRows(
            rows,
            task.spec.as_of
            if day in changed
            else before.get(day, NEVER_COUNTED).changed_at,
        )
        for day, rows in rows_by_day.items()
    }


def _is_counted_alike(task: CountTask, day: date, stored: StoredRows) -> bool:
    """Return whether the query that now tells a day's rows told them then, too.

    Another revision of the metric reads other rewards, and so may one that groups or
    numbers rows from another start: then fewer rows are no deleted ones.
    """
    newest = task.plan.find_newest(day)
    if newest is None or stored.counted_at is None:
        return False
    starts = [span.starts_at for span in newest.regimes.spans if span.covers(day)]
    if any(start is not None and start > stored.counted_at for start in starts):
        return False
    spec = newest.spec
    return not spec.depends_on_start or stored.fingerprint == (
        storage.compute_fingerprint(spec)
    )
