"""What somebody who reads figures must know of how their counts came about."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Protocol

from metrics.stats.minimum_data import format_count
from optimizations.cube.count_failures import FailedCount
from optimizations.cube.late_rows import LateRows

METRIC_CHANGED = (
    "What the metric counts was changed at {changed_at}: these figures cover the users "
    "first touched since then. Earlier users stay counted by what it was before, and are "
    "left out. Modeled figures follow with the first training since then."
)
METRIC_CHANGED_BACK = (
    "What the metric counts was changed at {changed_at} and changed back at {back_at}: users "
    "first touched in between stay counted by what it was then, and are left out. Modeled "
    "figures follow with the first training since then."
)
ROWS_CHANGED = (
    "The warehouse changed or deleted rows of {days} after they had been counted, as was "
    "last seen at {seen_at}: the days that they matter to were counted again."
)
LATE_ROWS = (
    "{rows} dated before {event} at {decided_at} came after that, the last at {last_at}: "
    "they count like those before."
)
FROZEN = (
    " The figures are frozen since they were counted: what came later does not count."
)
ERASED = (
    "{users} of sealed days were erased while {metric} was not counted, and left no counts "
    "for it: what it counted since lacks them, the figures of the reward still have them."
)
NOT_COUNTED = "{figures} Counting failed at {failed_at}{since}: {message}"
FAILING_SINCE = ", as at every attempt since {since}"
OLD_FIGURES = "These figures are old: the metric was last counted at {as_of}."
NO_FIGURES = "There are no figures: the metric was never counted."
NEVER_COUNTED = "the metric was never counted: {reason}"
NOT_ASKED = "the warehouse has not been asked yet; “Count now” asks it, ?refresh=true in the API"


class CountRecord(Protocol):
    """What is known of the counts of a metric: see `refresh.ObservationCube`."""

    @property
    def as_of(self) -> datetime | None:
        """When the warehouse last counted; None before the first time."""

    @property
    def failure(self) -> FailedCount | None:
        """Why the last attempt to count failed, if it did."""

    @property
    def revised_at(self) -> datetime | None:
        """When the present revision of the metric began; None for the first."""

    @property
    def other_revisions(self) -> tuple[tuple[datetime, datetime], ...]:
        """The times since then in which the metric had other revisions."""

    @property
    def changed_days(self) -> tuple[date, ...]:
        """Days whose rows were changed in place or deleted, ascending."""

    @property
    def late_rows(self) -> LateRows | None:
        """The rows that came after the figures were final."""

    @property
    def missing_erased(self) -> int:
        """Erased users whom the reward's counts have, and these lack."""

    @property
    def rows_changed_at(self) -> datetime | None:
        """When such a change was last seen."""


def list_notes(record: CountRecord) -> list[str]:
    """Return the notes, as sentences."""
    notes = []
    if record.failure is not None:
        notes.append(_describe_failure(record.failure, record.as_of))
    if record.revised_at is not None:
        notes.append(METRIC_CHANGED.format(changed_at=_format_time(record.revised_at)))
    notes += [
        METRIC_CHANGED_BACK.format(
            changed_at=_format_time(changed_at), back_at=_format_time(back_at)
        )
        for changed_at, back_at in record.other_revisions
    ]
    if record.changed_days and record.rows_changed_at:
        days = _format_days(record.changed_days)
        seen_at = _format_time(record.rows_changed_at)
        notes.append(ROWS_CHANGED.format(days=days, seen_at=seen_at))
    if record.late_rows is not None:
        notes.append(_describe_late_rows(record.late_rows))
    if record.missing_erased:
        notes.append(_describe_erased(record.missing_erased, "this metric"))
    return notes


def list_guardrail_notes(missing_erased: Mapping[str, int]) -> list[str]:
    """Return the notes on guardrails that lack erased users, who are given by its name."""
    return [
        _describe_erased(users, f"the guardrail {name}")
        for name, users in missing_erased.items()
        if users
    ]


def explain_never_counted(record: CountRecord) -> str | None:
    """Return why there are no counts at all; None if there are some."""
    if record.as_of is not None:
        return None
    failure = record.failure
    return NEVER_COUNTED.format(reason=failure.message if failure else NOT_ASKED)


def _describe_failure(failure: FailedCount, as_of: datetime | None) -> str:
    failed_at, since = _format_time(failure.failed_at), _format_time(failure.since)
    return NOT_COUNTED.format(
        figures=OLD_FIGURES.format(as_of=_format_time(as_of)) if as_of else NO_FIGURES,
        failed_at=failed_at,
        since="" if since == failed_at else FAILING_SINCE.format(since=since),
        message=failure.message,
    )


def _describe_late_rows(late: LateRows) -> str:
    numbers = (late.rewards, "reward"), (late.exposures, "exposure")
    rows = (format_count(number, name) for number, name in numbers if number)
    note = LATE_ROWS.format(
        rows=" and ".join(rows),
        event="shipping" if late.is_shipped else "the end",
        decided_at=_format_time(late.decided_at),
        last_at=_format_time(late.last_at),
    )
    return note + FROZEN if late.is_shipped else note


def _describe_erased(users: int, metric: str) -> str:
    return ERASED.format(users=format_count(users, "user"), metric=metric)


def _format_days(days: tuple[date, ...]) -> str:
    if len(days) == 1:
        return str(days[0])
    return f"{len(days)} days from {days[0]} to {days[-1]}"


def _format_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
