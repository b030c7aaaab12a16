"""What is known of a metric's stored counts, for answers that do not load them all."""

from dataclasses import dataclass
from datetime import date, datetime

from metrics.models import Metric
from optimizations.configuration.revision_regimes import RevisionRegimes
from optimizations.cube import (
    count_failures,
    day_records,
    erased_gaps,
    late_rows,
    revision_cells,
    storage,
)
from optimizations.cube.count_failures import FailedCount
from optimizations.cube.late_rows import LateRows
from optimizations.models import Optimization


@dataclass(frozen=True, slots=True)
class CountRecord:
    """What is known of a metric's counts without them; see `refresh.ObservationCube`."""

    as_of: datetime | None
    revised_at: datetime | None
    changed_days: tuple[date, ...]
    rows_changed_at: datetime | None
    failure: FailedCount | None = None
    other_revisions: tuple[tuple[datetime, datetime], ...] = ()
    late_rows: LateRows | None = None
    missing_erased: int = 0


EMPTY_RECORD = CountRecord(None, None, (), None)


def load_count_record(optimization: Optimization, metric: Metric) -> CountRecord:
    """Return what is known of the stored counts, decoding as few of them as it needs.

    Before figures are final these are none, and then the days counted since.
    """
    present = revision_cells.find_present(optimization, metric)
    changed = day_records.load_changed_days(optimization, metric)
    return CountRecord(
        as_of=day_records.find_last_refresh(optimization, metric),
        revised_at=present.starts_at if present else None,
        other_revisions=present.gaps if present else (),
        changed_days=tuple(changed),
        rows_changed_at=max(changed.values(), default=None),
        failure=count_failures.load_failure(optimization, metric),
        late_rows=_load_late_rows(optimization, metric, present),
        missing_erased=erased_gaps.count_missing_users(optimization, metric),
    )


def _load_late_rows(
    optimization: Optimization, metric: Metric, present: RevisionRegimes | None
) -> LateRows | None:
    """Return the rows that came after the figures were final; see `refresh.ObservationCube`."""
    decided_at = late_rows.find_decision(optimization)
    if decided_at is None:
        return None
    rows = day_records.query_days(optimization, metric).filter(
        computed_at__gte=decided_at  # no earlier count could tell
    )
    days = (
        day
        for row in rows
        if (present is None or present.covers(row.day))
        and (day := storage.decode_columns(row.day, row.cells)) is not None
    )
    return late_rows.find_late_rows(
        optimization, (note for day in days for note in day.notes)
    )
