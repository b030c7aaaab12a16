"""Densities under one another: what each variant is believed to earn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from levered_site.charts.axes import draw_values_below
from levered_site.charts.element import Element
from levered_site.charts.figure import (
    Drawing,
    Heading,
    Table,
    build_figure,
    build_sentence,
)
from levered_site.charts.intervals import draw_interval
from levered_site.charts.marks import (
    LINE_HEIGHT,
    Point,
    draw_hit,
    draw_path,
    draw_text,
)
from levered_site.charts.palette import name_color
from levered_site.charts.rows import RowLayout, RowTexts, plan_rows
from levered_site.charts.scales import Scale, find_range, keep_finite
from levered_site.charts.units import Unit

EMPTY = "No variant has a posterior yet: the model learns at the next training."
MAX_RIDGES = 12
RIDGE_HEIGHT = 24
STEPS = 24
NORMAL_95 = 1.96
HEAD = 22


@dataclass(frozen=True, slots=True)
class Ridge:
    """A variant's posterior: its mean, 95% interval and density over values.

    `columns` are texts to its right, as many as the chart has `column_names`.
    """

    label: str
    mean: float
    low: float
    high: float
    density: Sequence[Point]
    columns: tuple[str, ...] = ()


def build_density(mean: float, low: float, high: float) -> Sequence[Point]:
    """Return a density from a mean and its 95% interval: normal on either side."""
    offsets = [3 * (2 * step / STEPS - 1) for step in range(STEPS + 1)]
    spreads = (max(mean - low, 0.0) / NORMAL_95, max(high - mean, 0.0) / NORMAL_95)
    return [
        (mean + offset * spreads[offset > 0], math.exp(-0.5 * offset**2))
        for offset in offsets
    ]


def build_ridgeline(
    heading: Heading,
    ridges: Sequence[Ridge],
    *,
    unit: Unit,
    column_names: tuple[str, ...] = (),
    baseline: float | None = None,
    baseline_name: str = "baseline",
) -> Element:
    """Return the first 12 densities in the order given; the table has all.

    Each is as high as the others at its peak: an area says how sure the model is by its
    width. `baseline` is a line through all. Ridges whose numbers are not finite are left
    out.
    """
    finite = [ridge for ridge in ridges if _is_finite(ridge)]
    if not finite:
        return build_sentence(heading, EMPTY)
    drawn = finite[:MAX_RIDGES]
    chart = _Chart(
        drawn,
        len(finite) - len(drawn),
        unit,
        column_names,
        keep_finite(baseline),
        baseline_name,
    )
    headers = ("variant", "mean", "95% interval", *column_names)
    rows = [
        (
            ridge.label,
            unit.format_value(ridge.mean),
            unit.format_interval(ridge.low, ridge.high),
            *ridge.columns,
        )
        for ridge in finite
    ]
    return build_figure(heading, chart.draw, Table(headers, rows))


def _is_finite(ridge: Ridge) -> bool:
    numbers = (ridge.mean, ridge.low, ridge.high, *sum(ridge.density, ()))
    return all(keep_finite(number) is not None for number in numbers)


@dataclass(frozen=True, slots=True)
class _Chart:
    ridges: Sequence[Ridge]
    more: int
    unit: Unit
    column_names: tuple[str, ...]
    baseline: float | None
    baseline_name: str

    def draw(self, width: int) -> Drawing:
        texts = [RowTexts(ridge.label, ridge.columns) for ridge in self.ridges]
        head = RowTexts("", self.column_names)
        layout = plan_rows(width, [*texts, head], top=HEAD + 12, heights=(48, 34))
        plot = layout.find_plot(len(texts))
        scale = Scale(*self._find_range(), plot.left, plot.right)
        elements: list[Element | None] = [
            *layout.draw_row_texts(head, -HEAD, 0),
            *self._draw_baseline(layout, scale),
            *draw_values_below(plot, scale, self.unit),
        ]
        for index, text in enumerate(texts):
            elements.extend(self._draw_ridge(layout, scale, index))
            elements.extend(layout.draw_row_texts(text, _find_baseline(layout), index))
            elements.append(self._draw_hit(layout, index))
        bottom = plot.bottom + LINE_HEIGHT + 8
        if self.more:
            note = f"{self.more} more below, under Numbers"
            elements.append(draw_text(note, (0, bottom + 10), width, kind="note"))
            bottom += LINE_HEIGHT + 4
        return Drawing(bottom, elements)

    def _find_range(self) -> tuple[float, float]:
        ends = [end for ridge in self.ridges for end in (ridge.low, ridge.high)]
        if self.baseline is not None:
            ends.append(self.baseline)
        return find_range(ends, margin=0.12)

    def _draw_baseline(self, layout: RowLayout, scale: Scale) -> list[Element | None]:
        if self.baseline is None:
            return []
        x = scale.place(self.baseline)
        half = min(30.0, layout.width / 2)
        at = (min(max(x, half), layout.width - half), layout.tops[0] - 8)
        return [
            *(
                layout.find_rule(x, index, "chart-mark")
                for index in range(len(self.ridges))
            ),
            draw_text(self.baseline_name, at, 2 * half, kind="note", anchor="middle"),
        ]

    def _draw_ridge(self, layout: RowLayout, scale: Scale, index: int) -> list[Element]:
        ridge = self.ridges[index]
        foot = layout.tops[index + 1] - 6
        peak = max((height for _, height in ridge.density), default=0.0) or 1.0
        inside = [point for point in ridge.density if scale.contains(point[0])]
        outline = [
            (scale.place(x), foot - RIDGE_HEIGHT * max(height, 0.0) / peak)
            for x, height in inside
        ]
        ends = [(outline[-1][0], foot), (outline[0][0], foot)] if outline else []
        color = name_color(index)
        shape = [draw_path([*outline, *ends], f"chart-ridge {color}", is_closed=True)]
        interval = draw_interval(
            scale, foot, ridge.mean, (ridge.low, ridge.high), "neutral"
        )
        return [*(shape if len(outline) > 1 else []), *interval]

    def _draw_hit(self, layout: RowLayout, index: int) -> Element:
        ridge = self.ridges[index]
        limits = self.unit.format_interval(ridge.low, ridge.high)
        mean = self.unit.format_value(ridge.mean)
        named = zip(self.column_names, ridge.columns, strict=False)
        parts = [f"{name} {text}" for name, text in named]
        title = "; ".join([f"{ridge.label}: {mean}, 95% {limits}", *parts])
        corner = (0.0, layout.tops[index])
        return draw_hit(corner, (layout.width, layout.find_height(index)), title)


def _find_baseline(layout: RowLayout) -> float:
    return 12 if layout.is_stacked else layout.find_height(0) - 4
