"""Differences per user as the admin writes them."""

from collections.abc import Sequence

from levered_site.admin import html
from levered_site.number_texts import format_significant


def format_difference(difference: float | None) -> str:
    """Return a signed difference per user; a dash without one."""
    if difference is None:
        return html.NO_VALUE
    return format_significant(difference, sign="+")


def format_limits(limits: Sequence[float | None] | None, no_limits: str) -> str:
    """Return the ends of an interval of differences, which may be open, or `no_limits`."""
    if limits is None:
        return no_limits
    low, high = (
        "no bound" if end is None else format_difference(end) for end in limits
    )
    return f"{low} to {high}"
