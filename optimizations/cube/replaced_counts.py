"""The stored counts of the users that a replaced revision of a metric counted."""

from dataclasses import dataclass
from datetime import datetime

from metrics.models import Metric
from optimizations.configuration import revision_regimes
from optimizations.configuration.revision_regimes import RevisionRegimes
from optimizations.cube import cell_columns, day_records, storage
from optimizations.cube.cell_columns import DayColumns
from optimizations.models import CubeDay, Optimization


@dataclass(frozen=True, slots=True)
class ReplacedCounts:
    """The days of one revision of a metric, the regimes that have it, and their age."""

    days: tuple[DayColumns, ...]
    regimes: tuple[int, ...]
    as_of: datetime

    @property
    def is_mature(self) -> bool:
        """Whether the horizon of every user is over: nothing comes after that."""
        return all(day.columns["mature"].all() for day in self.days)


def load_replaced_counts(
    optimization: Optimization, metric: Metric, revision: int, since: datetime
) -> ReplacedCounts | None:
    """Return the counts of a revision's users.

    None unless all of them were counted after `since`, as far as they were not final
    before: a replaced revision whose query fails is left out of a count.
    """
    regimes = next(
        (
            group
            for group in revision_regimes.list_revision_regimes(optimization, metric)
            if group.revision == revision
        ),
        None,
    )
    as_of = day_records.find_last_refresh(optimization, metric)
    if regimes is None or as_of is None or as_of <= since:
        return None
    rows = [
        row
        for row in day_records.query_days(optimization, metric).order_by("day")
        if regimes.covers(row.day)
    ]
    if any(row.computed_at <= since and not row.sealed for row in rows):
        return None
    days = [day for row in rows if (day := _select_cells(row, regimes)) is not None]
    if len(days) < len(rows):
        return None
    return ReplacedCounts(tuple(days), regimes.numbers, as_of)


def _select_cells(row: CubeDay, regimes: RevisionRegimes) -> DayColumns | None:
    stored = storage.decode_columns(row.day, row.cells)
    if stored is None:
        return None
    return cell_columns.select_regimes(stored.cells, set(regimes.numbers))
