"""Time stamps that a clock wrote before it was set back: they lie in the future."""

from datetime import datetime, timedelta

from django.utils import timezone

# Clocks of several machines differ by less.
CLOCK_MARGIN = timedelta(minutes=1)


def compute_latest_stamp(as_of: datetime | None = None) -> datetime:
    """Return the latest stamp that is believed, at `as_of` or now; the later counts."""
    now = timezone.now()
    return max(now, as_of or now) + CLOCK_MARGIN


def limit_to_now(stamp: datetime, now: datetime) -> datetime:
    """Return the stamp, or `now` if it lies in the future."""
    return min(stamp, now)
