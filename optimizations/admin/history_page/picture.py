"""The picture above the stream: status, periods, versions and notes, day by day."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple

from django.db.models import CharField, DateTimeField, F, Max, Min, Value
from django.db.models.functions import Cast, Concat, TruncDay, TruncWeek
from django.utils import timezone

from levered_site.charts.element import Element
from levered_site.charts.figure import Heading
from levered_site.charts.stepped_timeline import Lane, Step, build_timeline
from optimizations.admin.history_page import periods
from optimizations.configuration import notes
from optimizations.configuration.notes import DayNote
from optimizations.models import Optimization, Regime

HEADING = Heading(
    "periods",
    "Day by day",
    "Status, measuring periods, policy versions and notes. Each change of what is served "
    "or counted begins a new period.",
)
DAY: Final = timedelta(days=1)
MAX_DAILY = 45  # days; beyond them versions are drawn by week
MAX_NOTES = 60
GAP, VERSIONS = "gap", "versions"


class _Mark(NamedTuple):
    """A gap with its status, or the first and last version that a day began to serve."""

    kind: str
    starts_at: datetime
    ends_at: datetime | None
    text: str


def draw_history(
    optimization: Optimization, regimes: Sequence[Regime]
) -> Element | None:
    """Return the picture; None for what never went live. `regimes` are by number."""
    if optimization.went_live_at is None:
        return None
    today = timezone.now().astimezone(UTC).date()
    marks = _load_marks(optimization, today - _find_day(optimization.went_live_at))
    gaps = [mark for mark in marks if mark.kind == GAP]
    versions = [mark for mark in marks if mark.kind == VERSIONS]
    lanes = [
        Lane("Status", _list_statuses(optimization.went_live_at, gaps)),
        Lane("Periods", _list_periods(regimes)),
        Lane("Versions", _list_versions(versions)),
        Lane("Notes", _list_notes(notes.list_day_notes(optimization))),
    ]
    return build_timeline(HEADING, lanes, today)


def _load_marks(optimization: Optimization, age: timedelta) -> list[_Mark]:
    """Return gaps, and versions by day or by week, in one query, the oldest first."""
    gaps = optimization.recording_gaps.order_by().values_list(
        Value(GAP), "starts_at", "ends_at", "status"
    )
    truncate: Any = TruncDay if age <= MAX_DAILY * DAY else TruncWeek
    first, last = (Cast(each("number"), CharField()) for each in (Min, Max))
    versions = (
        optimization.model.policy_versions.order_by()
        .annotate(day=truncate("created_at", tzinfo=UTC))
        .values("day")
        .annotate(numbers=Concat(first, Value(" "), last))
        .values_list(
            Value(VERSIONS),
            F("day"),
            Value(None, output_field=DateTimeField()),
            F("numbers"),
        )
    )
    rows = [_Mark(*row) for row in gaps.union(versions, all=True)]
    return sorted(rows, key=lambda mark: mark.starts_at)


def _list_statuses(went_live_at: datetime, gaps: Iterable[_Mark]) -> list[Step]:
    """Return live and what came between, a step for each change."""
    listed = list(gaps)
    starts = {gap.starts_at for gap in listed}
    changes = [(went_live_at, "live")]
    changes += [(gap.starts_at, gap.text) for gap in listed]
    # One gap follows another at once where it was archived after a pause.
    changes += [
        (gap.ends_at, "live")
        for gap in listed
        if gap.ends_at is not None and gap.ends_at not in starts
    ]
    return _build_steps(
        [(_find_day(moment), status, "") for moment, status in sorted(changes)]
    )


def _list_periods(regimes: Iterable[Regime]) -> list[Step]:
    return _build_steps(
        [
            (
                _find_day(regime.starts_at),
                f"{regime.number}",
                periods.REASONS.get(regime.reason, regime.reason),
            )
            for regime in regimes
        ]
    )


def _list_versions(marks: Iterable[_Mark]) -> list[Step]:
    """Return the versions that began to serve on each day, or in each week."""
    return _build_steps(
        [
            (_find_day(mark.starts_at), _name_versions(*mark.text.split()), "")
            for mark in marks
        ]
    )


def _name_versions(first: str, last: str) -> str:
    return f"v{first}" if first == last else f"v{first} to v{last}"


def _list_notes(day_notes: Iterable[DayNote]) -> list[Step]:
    newest = list(day_notes)[-MAX_NOTES:]
    return [
        Step("note", day, day, " · ".join(note.text for note in group))
        for day, group in groupby(newest, key=lambda note: note.date)
    ]


def _build_steps(starts: Sequence[tuple[date, str, str]]) -> list[Step]:
    """Return steps that end before the next one begins; the last one lasts."""
    ends = [second[0] - DAY for _, second in pairwise(starts)]
    return [
        Step(label, day, None if end is None else max(day, end), detail)
        for (day, label, detail), end in zip(starts, [*ends, None], strict=True)
    ]


def _find_day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
