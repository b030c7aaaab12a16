"""Record when an optimization was not live: exposures dated then do not count."""

from dataclasses import replace
from datetime import datetime

from optimizations.models import Optimization, RecordingGap
from warehouse.sql.cube.day_notes import ENDED
from warehouse.sql.cube.statement import TimeGap

Status = Optimization.Status


def record_status_change(optimization: Optimization, now: datetime) -> None:
    """Close the open gap, and open one unless the optimization is live now.

    Call it after each change of the status, in its transaction. Before it first went
    live there are no gaps: history may be sent in.
    """
    optimization.recording_gaps.filter(ends_at=None).update(ends_at=now)
    if optimization.status != Status.LIVE and optimization.went_live_at is not None:
        RecordingGap.objects.create(
            optimization=optimization, starts_at=now, status=optimization.status
        )


def list_gaps(optimization: Optimization) -> tuple[TimeGap, ...]:
    """Return the gaps as the cube's statement needs them, the end being one without end."""
    gaps = [
        TimeGap(gap.starts_at, gap.ends_at, gap.status)
        for gap in optimization.recording_gaps.order_by("starts_at")
    ]
    ended_at = optimization.ended_at
    if ended_at is None:
        return tuple(gaps)
    # A gap that the end closes is closed a moment after it.
    before = (
        replace(gap, ends_at=min(gap.ends_at or ended_at, ended_at))
        for gap in gaps
        if gap.starts_at < ended_at
    )
    return (*before, TimeGap(ended_at, None, ENDED))
