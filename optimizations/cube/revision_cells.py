"""Tell the cells of a metric's present revision from those of its other ones."""

from metrics.models import Metric
from optimizations.configuration import revision_regimes
from optimizations.configuration.revision_regimes import RevisionRegimes
from optimizations.cube import cell_columns
from optimizations.cube.cell_columns import DayColumns
from optimizations.models import Optimization


def find_present(optimization: Optimization, metric: Metric) -> RevisionRegimes | None:
    """Return the regimes of the present revision; None if there is no other."""
    groups = revision_regimes.list_revision_regimes(optimization, metric)
    return groups[-1] if len(groups) > 1 else None


def select_present(day: DayColumns, present: RevisionRegimes | None) -> DayColumns:
    """Return the cells of the present revision; only days of a change have others."""
    if present is None or not present.shares(day.day):
        return day
    return cell_columns.select_regimes(day, _list_present(day, present))


def select_others(
    days: list[DayColumns], present: RevisionRegimes | None
) -> tuple[DayColumns, ...]:
    """Return the days with the cells of other revisions than the present one."""
    if present is None:
        return ()
    return tuple(
        cell_columns.select_regimes(
            day, set(day.columns["regime"]) - _list_present(day, present)
        )
        if present.covers(day.day)
        else day
        for day in days
        if present.shares(day.day) or not present.covers(day.day)
    )


def _list_present(day: DayColumns, present: RevisionRegimes) -> set[int]:
    """Return the regimes of a day that have the present revision, just opened ones too."""
    numbers = present.numbers
    return {
        number
        for number in day.columns["regime"]
        if number in numbers or number > numbers[-1]
    }
