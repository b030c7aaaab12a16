"""A line over days with the band it lies in: the lift over time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, Table, build_figure, build_sentence
from levered_site.charts.line_band_layout import draw_line_chart
from levered_site.charts.line_band_points import DayMark, DayPoint, Limits, LineChart
from levered_site.charts.scales import keep_finite
from levered_site.charts.units import Unit

EMPTY = "No day has a figure yet."


def build_line_chart(
    heading: Heading,
    points: Sequence[DayPoint],
    marks: Sequence[DayMark],
    *,
    unit: Unit,
    value_name: str,
) -> Element:
    """Return the line with both bands; a sentence where no day has a figure.

    Marks of days that the line does not reach are left out.
    """
    ordered = sorted(map(_clean_point, points), key=lambda point: point.day)
    if all(point.value is None and point.outer is None for point in ordered):
        reasons = [point.withheld for point in ordered if point.withheld]
        return build_sentence(heading, reasons[-1] if reasons else EMPTY)
    reached = [mark for mark in marks if ordered[0].day <= mark.day <= ordered[-1].day]
    chart = LineChart(ordered, sorted(reached, key=lambda mark: mark.day), unit)
    return build_figure(
        heading,
        lambda width: draw_line_chart(chart, width),
        _build_table(chart, value_name),
    )


def _clean_point(point: DayPoint) -> DayPoint:
    return replace(
        point,
        value=keep_finite(point.value),
        outer=_clean_limits(point.outer),
        inner=_clean_limits(point.inner),
    )


def _clean_limits(limits: Limits | None) -> Limits | None:
    if limits is None:
        return None
    low, high = map(keep_finite, limits)
    return None if low is None and high is None else (low, high)


def _build_table(chart: LineChart, value_name: str) -> Table:
    texts: dict[date, list[str]] = {}
    for mark in chart.marks:
        texts.setdefault(mark.day, []).append(mark.text)
    rows = [
        (
            f"{point.day}",
            chart.unit.format_value(point.value),
            chart.unit.format_interval(*(point.inner or (None, None))),
            chart.unit.format_interval(*(point.outer or (None, None))),
            "; ".join([*texts.get(point.day, ()), *filter(None, [point.withheld])]),
        )
        for point in chart.points
    ]
    headers = (
        "day",
        value_name,
        "95% at one look",
        "95% at every look",
        "what happened",
    )
    marked = any(row[-1] for row in rows)
    if marked:
        return Table(headers, rows)
    return Table(headers[:-1], [row[:-1] for row in rows])
