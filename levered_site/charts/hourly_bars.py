"""Counts by hour: one row of bars for each series, each on a scale of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from levered_site.charts.axes import Plot, draw_texts_below
from levered_site.charts.element import Element
from levered_site.charts.figure import Drawing, Heading, Table, build_figure
from levered_site.charts.marks import draw_line, draw_rect, draw_text
from levered_site.charts.palette import name_color

ROW_HEIGHT, BAR_HEIGHT, TOP = 60, 34, 4
GAP = 1.0  # pixels between two bars


@dataclass(frozen=True, slots=True)
class HourlySeries:
    """What is counted, and how many there were in each hour."""

    name: str
    counts: Sequence[int]


def build_hourly_bars(
    heading: Heading, hours: Sequence[str], series: Sequence[HourlySeries]
) -> Element:
    """Return the counts of each series by hour, oldest first.

    Series differ a thousandfold, so each has its own scale, whose end it names.
    """
    table = Table(
        ["hour", *(one.name for one in series)],
        [
            [hour, *(f"{one.counts[index]:,}" for one in series)]
            for index, hour in enumerate(hours)
        ],
    )
    return build_figure(heading, lambda width: _draw(width, hours, series), table)


def _draw(width: int, hours: Sequence[str], series: Sequence[HourlySeries]) -> Drawing:
    bottom = TOP + ROW_HEIGHT * len(series)
    plot = Plot(0, width, TOP, bottom, width)
    elements: list[Element | None] = []
    for index, one in enumerate(series):
        elements += _draw_series(plot, TOP + ROW_HEIGHT * index, hours, one, index)
    step = width / len(hours)
    centers = [(number + 0.5) * step for number in range(len(hours))]
    elements += draw_texts_below(plot, centers, hours)
    return Drawing(bottom + 22, elements)


def _draw_series(
    plot: Plot, top: float, hours: Sequence[str], series: HourlySeries, index: int
) -> list[Element | None]:
    most = max(series.counts, default=0)
    base = top + ROW_HEIGHT - 6
    step = plot.width / len(hours)
    note = f"at most {most:,} an hour" if most else "none"
    elements: list[Element | None] = [
        draw_text(series.name, (0, top + 12), plot.width / 2, kind="strong"),
        draw_text(
            note, (plot.width, top + 12), plot.width / 2 - 8, kind="note", anchor="end"
        ),
    ]
    for number, count in enumerate(series.counts):
        if count:
            height = max(BAR_HEIGHT * count / most, 1.0)
            elements.append(
                draw_rect(
                    (number * step + GAP / 2, base - height),
                    (step - GAP, height),
                    f"chart-area {name_color(index)}",
                    f"{series.name}, {hours[number]}: {count:,}",
                )
            )
    elements.append(draw_line((0, base), (plot.width, base), "chart-grid"))
    return elements
