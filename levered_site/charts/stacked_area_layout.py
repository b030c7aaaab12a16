"""How stacked shares are laid out for one width."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from levered_site.charts.axes import (
    Plot,
    draw_texts_below,
    draw_value_axis,
    find_hit_step,
    measure_value_axis,
)
from levered_site.charts.element import Element
from levered_site.charts.figure import Drawing
from levered_site.charts.labels import spread_centers
from levered_site.charts.marks import (
    LINE_HEIGHT,
    Point,
    draw_hit,
    draw_path,
    draw_rect,
    draw_text,
    measure_text,
    shorten_name,
    split_at_gaps,
)
from levered_site.charts.palette import name_color
from levered_site.charts.rows import NARROW
from levered_site.charts.scales import Scale
from levered_site.charts.units import Unit
from levered_site.number_texts import NO_BREAK_SPACE, NO_VALUE

PLOT_HEIGHT = 190
LEGEND_SHARE = 0.46  # of the width, at most
NAMED = 3  # series in a title
AXIS = Unit(is_percent=True)


@dataclass(frozen=True, slots=True)
class ShareSeries:
    """Shares of one name, one per version, from 0 to 1; None is withheld."""

    name: str
    shares: Sequence[float | None]


def is_known(series: Sequence[ShareSeries], index: int) -> bool:
    """Return whether every series has a share in the version at `index`."""
    return bool(series) and all(one.shares[index] is not None for one in series)


def format_share(share: float | None) -> str:
    """Return a share from 0 to 1 as a percentage; a dash for None."""
    return NO_VALUE if share is None else f"{100 * share:.1f}{NO_BREAK_SPACE}%"


@dataclass(frozen=True, slots=True)
class StackedChart:
    """Series that were folded, and the last version of which all shares are known."""

    versions: Sequence[str]
    series: Sequence[ShareSeries]
    last: int

    def draw(self, width: int) -> Drawing:
        """Return the areas with axes, and their names beside or below them."""
        values = Scale(0, 100, 8 + PLOT_HEIGHT, 8)
        left = measure_value_axis(values, PLOT_HEIGHT, AXIS)
        legend = 0.0 if width < NARROW else self._measure_legend(width)
        plot = Plot(left, width - 8 - legend, 8, 8 + PLOT_HEIGHT, width)
        xs = self._place_versions(plot)
        below = plot.bottom + LINE_HEIGHT + 8
        elements = [
            *draw_value_axis(plot, values, AXIS),
            *self._draw_areas(xs, values),
            *draw_texts_below(plot, xs, self.versions),
            *self._draw_hits(plot, xs),
            *(self._draw_legend(plot, values) if legend else self._list_legend(below)),
        ]
        height = below if legend else below + LINE_HEIGHT * len(self.series) + 4
        return Drawing(height, elements)

    def _place_versions(self, plot: Plot) -> list[float]:
        if len(self.versions) == 1:
            return [plot.center]
        scale = Scale(0, len(self.versions) - 1, plot.left, plot.right)
        return [scale.place(index) for index in range(len(self.versions))]

    def _draw_areas(self, xs: Sequence[float], values: Scale) -> list[Element]:
        """Return each area down to zero, the upper ones first: the lower ones cover them."""
        tops = [0.0] * len(self.versions)
        areas: list[Element] = []
        for index, one in enumerate(self.series):
            pairs = zip(tops, one.shares, strict=True)
            tops = [low + 100 * (share or 0.0) for low, share in pairs]
            for stretch in self._outline(xs, values, tops):
                feet = [(stretch[-1][0], values.start), (stretch[0][0], values.start)]
                class_ = f"chart-area {name_color(index)}"
                areas.append(draw_path([*stretch, *feet], class_, is_closed=True))
        return list(reversed(areas))

    def _outline(
        self, xs: Sequence[float], values: Scale, tops: Sequence[float]
    ) -> list[Sequence[Point]]:
        """Return the upper line of each stretch of versions without a gap."""
        stretches = split_at_gaps(
            (x, values.place(top) if is_known(self.series, index) else None)
            for index, (x, top) in enumerate(zip(xs, tops, strict=True))
        )
        return [_widen(stretch, xs) for stretch in stretches]

    def _list_centers(self, values: Scale) -> list[float]:
        low, centers = 0.0, []
        for one in self.series:
            share = 100 * (one.shares[self.last] or 0.0)
            centers.append(values.place(low + share / 2))
            low += share
        return centers

    def _name_series(self) -> list[str]:
        return [
            f"{format_share(one.shares[self.last])} {one.name}" for one in self.series
        ]

    def _measure_legend(self, width: int) -> float:
        longest = max(map(measure_text, self._name_series()))
        return min(longest + 10, LEGEND_SHARE * width)

    def _draw_legend(self, plot: Plot, values: Scale) -> list[Element | None]:
        """Return the names beside where the areas end, moved apart."""
        upwards = list(reversed(self._list_centers(values)))
        centers = spread_centers(upwards, LINE_HEIGHT, 2, plot.bottom + 4)
        return [
            draw_text(
                text,
                (plot.right + 8, center + 4),
                plot.width - plot.right - 8,
                color=f"chart-of {name_color(index)}",
            )
            for index, (text, center) in enumerate(
                zip(self._name_series(), reversed(centers), strict=True)
            )
        ]

    def _list_legend(self, top: float) -> list[Element | None]:
        """Return the names under one another below the plot, as the areas lie."""
        elements: list[Element | None] = []
        names = self._name_series()
        for line, index in enumerate(reversed(range(len(names)))):
            y = top + LINE_HEIGHT * line
            elements.append(
                draw_rect((0, y + 2), (10, 10), f"chart-area {name_color(index)}")
            )
            elements.append(draw_text(names[index], (16, y + 11), 300))
        return elements

    def _draw_hits(self, plot: Plot, xs: Sequence[float]) -> list[Element]:
        middles = [(a + b) / 2 for a, b in pairwise(xs)]
        borders = [plot.left, *middles, plot.right]
        step = find_hit_step(plot, len(xs))
        return [
            draw_hit(
                (borders[index], plot.top),
                (borders[min(index + step, len(xs))] - borders[index], plot.height),
                self._describe_version(index),
            )
            for index in range(0, len(xs), step)
        ]

    def _describe_version(self, index: int) -> str:
        """Return the three largest shares of a version: the table has all."""
        shares = [(one.shares[index] or 0.0, one) for one in self.series]
        largest = sorted(shares, key=lambda pair: pair[0], reverse=True)[:NAMED]
        parts = (
            f"{shorten_name(one.name)} {format_share(one.shares[index])}"
            for _, one in largest
        )
        return f"{self.versions[index]}: {'; '.join(parts)}"


def _widen(points: Sequence[Point], xs: Sequence[float]) -> Sequence[Point]:
    """Return a bar's edge for a single version: an area of no width cannot be seen."""
    if len(points) > 1:
        return points
    ((x, y),) = points
    half = 24.0 if len(xs) == 1 else 3.0
    return [(x - half, y), (x + half, y)]
