"""How a line with its band is laid out for one width."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from levered_site.charts.axes import (
    Plot,
    draw_dates_below,
    draw_value_axis,
    find_hit_step,
    measure_value_axis,
)
from levered_site.charts.element import Element
from levered_site.charts.figure import Drawing
from levered_site.charts.labels import assign_lanes
from levered_site.charts.line_band_points import DayMark, DayPoint, Limits, LineChart
from levered_site.charts.marks import (
    LINE_HEIGHT,
    Point,
    draw_dot,
    draw_hit,
    draw_line,
    draw_path,
    draw_text,
    measure_text,
    split_at_gaps,
)
from levered_site.charts.scales import Scale

PLOT_HEIGHT = 190
HEAD_HEIGHT = 44
MARK_LANES = 3


@dataclass(frozen=True, slots=True)
class _Layout:
    chart: LineChart
    plot: Plot
    days: Scale
    values: Scale

    def place_day(self, day: date) -> float:
        return self.days.place(day.toordinal())


def draw_line_chart(chart: LineChart, width: int) -> Drawing:
    """Return the drawing of the line, its bands, axes and marks."""
    rough = Plot(0, width, 0, PLOT_HEIGHT, width)
    axis = measure_value_axis(chart.build_scales(rough)[1], PLOT_HEIGHT, chart.unit)
    left, right = min(axis, width / 3), width - 8.0
    across = Plot(left, right, 0, 0, width)
    lanes, labels = _label_marks(chart, across)
    top = HEAD_HEIGHT + LINE_HEIGHT * lanes + 8
    plot = Plot(left, right, top, top + PLOT_HEIGHT, width)
    layout = _Layout(chart, plot, *chart.build_scales(plot))
    zero, points = layout.values.place(0), chart.points
    elements = [
        *_draw_bands(layout),
        *draw_value_axis(plot, layout.values, chart.unit),
        draw_line((left, zero), (right, zero), "chart-zero"),
        *draw_dates_below(plot, layout.days, (points[0].day, points[-1].day)),
        *_draw_mark_lines(layout),
        *labels,
        *_draw_values(layout),
        *_draw_last(layout),
        *_draw_hits(layout),
    ]
    return Drawing(plot.bottom + LINE_HEIGHT + 8, elements)


def _draw_bands(layout: _Layout) -> list[Element]:
    points = layout.chart.points
    elements: list[Element] = []
    for limits, class_ in (
        ([point.outer for point in points], "chart-band"),
        ([point.inner for point in points], "chart-band-inner"),
    ):
        elements.extend(_draw_band(layout, limits, class_))
    return elements


def _draw_band(
    layout: _Layout, limits: Sequence[Limits | None], class_: str
) -> list[Element]:
    """Return an area for each stretch of days with limits; a bar for a single day."""
    xs = [layout.place_day(point.day) for point in layout.chart.points]
    lows, highs = (
        split_at_gaps(
            (x, None if pair is None else _place_end(layout, pair, end))
            for x, pair in zip(xs, limits, strict=True)
        )
        for end in (0, 1)
    )
    return [
        draw_path([*_widen(high), *reversed(_widen(low))], class_, is_closed=True)
        for low, high in zip(lows, highs, strict=True)
    ]


def _place_end(layout: _Layout, limits: Limits, end: int) -> float:
    """Return where an end is; one that is open is at the edge of the plot."""
    value = limits[end]
    if value is None:
        return (layout.plot.bottom, layout.plot.top)[end]
    return layout.values.place(value)


def _widen(points: Sequence[Point]) -> Sequence[Point]:
    """Return two points for a single one: a band of no width cannot be seen."""
    if len(points) > 1:
        return points
    ((x, y),) = points
    return [(x - 3, y), (x + 3, y)]


def _draw_values(layout: _Layout) -> list[Element]:
    stretches = split_at_gaps(
        (
            layout.place_day(point.day),
            None if point.value is None else layout.values.place(point.value),
        )
        for point in layout.chart.points
    )
    lines = [draw_path(points, "chart-line") for points in stretches if len(points) > 1]
    alone = [
        draw_dot(points[0], "chart-dot", 2.5)
        for points in stretches[:-1]
        if len(points) == 1
    ]
    ends = [draw_dot(points[-1], "chart-dot") for points in stretches[-1:]]
    return [*lines, *alone, *ends]


def _draw_last(layout: _Layout) -> list[Element | None]:
    """Return the last figure and its band above the plot."""
    unit, plot = layout.chart.unit, layout.plot
    known = [point for point in layout.chart.points if point.value is not None]
    if not known:
        return []
    last = known[-1]
    value = unit.format_value(last.value)
    used = min(measure_text(value, "headline"), plot.width / 2)
    return [
        draw_text(value, (0, 18), plot.width / 2, kind="headline"),
        draw_text(
            f"on {last.day}", (used + 10, 18), plot.width - used - 10, kind="note"
        ),
        draw_text(
            _describe_outer(layout.chart, last), (0, 35), plot.width, kind="note"
        ),
    ]


def _label_marks(chart: LineChart, plot: Plot) -> tuple[int, list[Element | None]]:
    """Return how many lines of labels the marks need, and the labels that fit in them."""
    days, _ = chart.build_scales(plot)
    spans = sorted(
        (
            *_find_span(mark, days.place(mark.day.toordinal()), plot),
            mark.text,
            mark.kind,
        )
        for mark in chart.marks
    )
    lanes = assign_lanes([span[:2] for span in spans], MARK_LANES)
    used = 1 + max((lane for lane in lanes if lane is not None), default=-1)
    labels = [
        draw_text(
            text,
            (left, HEAD_HEIGHT + LINE_HEIGHT * (used - lane) - 2),
            right - left + 0.01,
            kind="note",
            color=f"chart-{color}",
        )
        for (left, right, text, color), lane in zip(spans, lanes, strict=True)
        if lane is not None
    ]
    return used, labels


def _find_span(mark: DayMark, x: float, plot: Plot) -> tuple[float, float]:
    """Return from where to where a label goes: beside its line, inside the drawing."""
    needed = min(measure_text(mark.text, "note"), 0.7 * plot.width)
    left = min(max(x - needed / 2, 0), plot.width - needed)
    return left, left + needed


def _draw_mark_lines(layout: _Layout) -> list[Element]:
    plot = layout.plot
    return [
        draw_line((x, plot.top), (x, plot.bottom), f"chart-mark chart-{mark.kind}")
        for mark in layout.chart.marks
        for x in (layout.place_day(mark.day),)
    ]


def _draw_hits(layout: _Layout) -> list[Element]:
    """Return for each day a strip as high as the plot, whose title is the day's figures."""
    plot = layout.plot
    step = find_hit_step(plot, len(layout.chart.points))
    points = layout.chart.points[::step]
    xs = [layout.place_day(point.day) for point in points]
    borders = [
        plot.left,
        *((before + after) / 2 for before, after in pairwise(xs)),
        plot.right,
    ]
    return [
        draw_hit(
            (borders[index], plot.top),
            (borders[index + 1] - borders[index], plot.height),
            _describe_days(layout.chart, index * step, step),
        )
        for index in range(len(points))
    ]


def _describe_outer(chart: LineChart, point: DayPoint) -> str:
    if point.outer is None:
        return ""
    return f"95% at every look: {chart.unit.format_interval(*point.outer)}"


def _describe_days(chart: LineChart, first: int, count: int) -> str:
    """Return a day's figures, and what happened from then until the next described."""
    unit, point = chart.unit, chart.points[first]
    parts = [f"{point.day}: {unit.format_value(point.value)}"]
    if point.outer is not None:
        parts.append(_describe_outer(chart, point))
    if point.value is None and point.withheld:
        parts.append(point.withheld)
    days = {each.day for each in chart.points[first : first + count]}
    parts.extend(mark.text for mark in chart.marks if mark.day in days)
    return "; ".join(parts)
