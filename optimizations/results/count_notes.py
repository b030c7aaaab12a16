"""What somebody who reads figures must know of how their counts came about."""

from datetime import UTC, date, datetime
from typing import Protocol

METRIC_CHANGED = (
    "What the metric counts was changed at {changed_at}: these figures cover the users "
    "first touched since then. Earlier users stay counted by what it was before, and are "
    "left out. Modeled figures follow with the first training since then."
)
ROWS_CHANGED = (
    "The warehouse changed rows of {days} after they had been counted, as was last seen at "
    "{seen_at}: the days that they matter to were counted again."
)


class CountRecord(Protocol):
    """What is known of the counts of a metric: see `refresh.ObservationCube`."""

    @property
    def revised_at(self) -> datetime | None:
        """When the present revision of the metric began; None for the first."""

    @property
    def changed_days(self) -> tuple[date, ...]:
        """Days whose rows were changed in place, ascending."""

    @property
    def rows_changed_at(self) -> datetime | None:
        """When such a change was last seen."""


def list_notes(record: CountRecord) -> list[str]:
    """Return the notes, as sentences."""
    notes = []
    if record.revised_at is not None:
        notes.append(METRIC_CHANGED.format(changed_at=_format_time(record.revised_at)))
    if record.changed_days and record.rows_changed_at:
        days = _format_days(record.changed_days)
        seen_at = _format_time(record.rows_changed_at)
        notes.append(ROWS_CHANGED.format(days=days, seen_at=seen_at))
    return notes


def _format_days(days: tuple[date, ...]) -> str:
    if len(days) == 1:
        return str(days[0])
    return f"{len(days)} days from {days[0]} to {days[-1]}"


def _format_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
