"""Rows that came after the figures of an optimization were final."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from optimizations.models import Optimization
from warehouse.sql.cube.day_notes import LATE_EXPOSURES, LATE_REWARDS
from warehouse.sql.cube.statement import Note


@dataclass(frozen=True, slots=True)
class LateRows:
    """Counted rows dated before `decided_at` that came after it, the last at `last_at`.

    `is_shipped` is whether the figures became final by shipping, else by the end.
    """

    exposures: int
    rewards: int
    last_at: datetime
    decided_at: datetime
    is_shipped: bool


def find_decision(optimization: Optimization) -> datetime | None:
    """Return when the figures became final, by shipping or by the end; None if not yet."""
    return optimization.shipped_at or optimization.ended_at


def find_late_rows(
    optimization: Optimization, notes: Iterable[Note]
) -> LateRows | None:
    """Return what the notes say of late rows; None if none came, or nothing is final.

    Notes of an earlier end or shipment that was undone do not matter.
    """
    decided_at = find_decision(optimization)
    if decided_at is None:
        return None
    late = [
        (note.kind, note.count, datetime.fromisoformat(note.text))
        for note in notes
        if note.kind in (LATE_EXPOSURES, LATE_REWARDS)
    ]
    since = decided_at.replace(microsecond=0)  # the notes have whole seconds
    late = [(kind, count, last_at) for kind, count, last_at in late if last_at >= since]
    if not late:
        return None
    return LateRows(
        exposures=sum(count for kind, count, _ in late if kind == LATE_EXPOSURES),
        rewards=sum(count for kind, count, _ in late if kind == LATE_REWARDS),
        last_at=max(last_at for *_, last_at in late),
        decided_at=decided_at,
        is_shipped=optimization.shipped_at is not None,
    )
