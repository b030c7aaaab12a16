"""Shares that add up, over versions: who was shown what."""

from collections.abc import Sequence

from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, Table, build_figure, build_sentence
from levered_site.charts.palette import COLORS
from levered_site.charts.scales import keep_finite
from levered_site.charts.stacked_area_layout import (
    ShareSeries,
    StackedChart,
    format_share,
    is_known,
)

EMPTY = "No policy version has an allocation yet."


def build_stacked_area(
    heading: Heading, versions: Sequence[str], series: Sequence[ShareSeries]
) -> Element:
    """Return the shares over versions; the largest six by name, the others together.

    A version in which any share is withheld is a gap. Raises ValueError where a series
    has more or fewer shares than there are versions.
    """
    folded = fold_series(series, len(versions))
    known = [index for index in range(len(versions)) if is_known(folded, index)]
    if not known:
        return build_sentence(heading, EMPTY)
    chart = StackedChart(versions, folded, known[-1])
    headers = ("version", *(one.name for one in folded))
    rows = [
        (version, *(format_share(one.shares[index]) for one in folded))
        for index, version in enumerate(versions)
    ]
    return build_figure(heading, chart.draw, Table(headers, rows))


def fold_series(series: Sequence[ShareSeries], versions: int) -> list[ShareSeries]:
    """Return the six series with the largest last shares, and the sum of the others."""
    cleaned = [
        ShareSeries(one.name, [_clean_share(share) for share in one.shares])
        for one in series
    ]
    if any(len(one.shares) != versions for one in cleaned):
        raise ValueError("Each series must have one share per version.")
    ordered = sorted(cleaned, key=_rank, reverse=True)
    named, rest = ordered[:COLORS], ordered[COLORS:]
    if not rest:
        return named
    sums = [
        _sum_shares([one.shares[index] for one in rest]) for index in range(versions)
    ]
    return [*named, ShareSeries(f"{len(rest)} others", sums)]


def _clean_share(share: float | None) -> float | None:
    finite = keep_finite(share)
    return None if finite is None else min(1.0, max(0.0, finite))


def _rank(series: ShareSeries) -> tuple[float, float]:
    known = [share for share in series.shares if share is not None]
    return (known[-1], max(known)) if known else (-1.0, -1.0)


def _sum_shares(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return min(1.0, sum(known)) if len(known) == len(shares) else None
