"""Axes: grid lines with their values, dates and values below a plot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from levered_site.charts.element import Element
from levered_site.charts.labels import choose_regular
from levered_site.charts.marks import LINE_HEIGHT, draw_line, draw_text, measure_text
from levered_site.charts.scales import Scale, list_ticks
from levered_site.charts.units import Unit

HIT_WIDTH = 6  # pixels: a pointer does not aim at less
DAY_STEPS = (1, 2, 7, 14, 28, 56, 91, 182, 364, 728, 1820)
BASELINE = 4  # from the middle of a line of text to its baseline


@dataclass(frozen=True, slots=True)
class Plot:
    """The area of a drawing in which values are drawn, and how wide the drawing is."""

    left: float
    right: float
    top: float
    bottom: float
    width: float

    @property
    def height(self) -> float:
        """The distance between top and bottom."""
        return self.bottom - self.top

    @property
    def center(self) -> float:
        """The middle between left and right."""
        return (self.left + self.right) / 2


def find_hit_step(plot: Plot, count: int) -> int:
    """Return how many of `count` neighbors share what a pointer finds."""
    return max(1, math.ceil(HIT_WIDTH * count / (plot.right - plot.left)))


def draw_value_axis(plot: Plot, scale: Scale, unit: Unit) -> list[Element | None]:
    """Return horizontal grid lines, each with its value left of the plot."""
    ticks, step = list_ticks(scale.low, scale.high, int(plot.height // 28))
    elements: list[Element | None] = []
    for tick in ticks:
        y = scale.place(tick)
        elements.append(draw_line((plot.left, y), (plot.right, y), "chart-grid"))
    for tick in ticks:
        at = (plot.left - 6, scale.place(tick) + BASELINE)
        text = unit.format_tick(tick, step)
        elements.append(draw_text(text, at, plot.left - 6, kind="note", anchor="end"))
    return elements


def measure_value_axis(scale: Scale, height: float, unit: Unit) -> float:
    """Return how wide the values left of a plot of this height are."""
    ticks, step = list_ticks(scale.low, scale.high, int(height // 28))
    texts = (unit.format_tick(tick, step) for tick in ticks)
    return max((measure_text(text, "note") for text in texts), default=0) + 8


def draw_values_below(plot: Plot, scale: Scale, unit: Unit) -> list[Element | None]:
    """Return ticks below the plot, each with its value, as many as there is room for.

    Where there is not room for all, zero stays.
    """
    room = max(2, int((plot.right - plot.left) // 60))
    tried = (list_ticks(scale.low, scale.high, room * more) for more in (1, 2, 4))
    ticks, step = next((pair for pair in tried if len(pair[0]) > 2), ([], 1.0))
    texts = [unit.format_tick(tick, step) for tick in ticks]
    kept = ticks.index(0) if 0 in ticks else 0
    centers = [scale.place(tick) for tick in ticks]
    return draw_texts_below(plot, centers, texts, kept=kept)


def draw_texts_below(
    plot: Plot, centers: Sequence[float], texts: Sequence[str], *, kept: int = 0
) -> list[Element | None]:
    """Return texts below the plot with their ticks, every second, third … where all would touch.

    The text of the index `kept` is among those.
    """
    spans = []
    for center, text in zip(centers, texts, strict=True):
        half = min(measure_text(text, "note"), plot.width) / 2
        middle = min(max(center, half), plot.width - half)
        spans.append((middle - half, middle + half))
    elements: list[Element | None] = []
    for index in choose_regular(spans, kept=kept):
        left, right = spans[index]
        elements.append(
            draw_text(
                texts[index],
                ((left + right) / 2, plot.bottom + LINE_HEIGHT),
                right - left + 0.01,
                kind="note",
                anchor="middle",
            )
        )
    return elements


def draw_dates_below(
    plot: Plot, scale: Scale, span: tuple[date, date]
) -> list[Element | None]:
    """Return the dates of a span below the plot; `scale` places their ordinals."""
    first, last = (day.toordinal() for day in span)
    with_year = span[0].year != span[1].year
    room = (plot.right - plot.left) / (
        measure_text(_format_day(first, with_year=True), "note") + 8
    )
    step = next(
        (step for step in DAY_STEPS if (last - first) / step < max(room, 1)),
        DAY_STEPS[-1],
    )
    days = range(first, last + 1, step)
    texts = [_format_day(day, with_year=with_year) for day in days]
    return draw_texts_below(plot, [scale.place(day) for day in days], texts)


def _format_day(ordinal: int, *, with_year: bool) -> str:
    day = date.min + timedelta(days=ordinal - 1)
    return f"{day:%Y-%m-%d}" if with_year else f"{day:%m-%d}"
