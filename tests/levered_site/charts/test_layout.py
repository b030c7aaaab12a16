"""Whatever the numbers and names: nothing is cut, no label lies over another."""

import math
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Literal

import pytest

from levered_site.charts.element import Element
from levered_site.charts.event_track import (
    TrackEvent,
    TrackLane,
    TrackSpan,
    build_event_track,
)
from levered_site.charts.figure import Heading
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.heat_map import HeatCell, HeatMap, build_heat_map
from levered_site.charts.intervals import build_interval_bar, build_range_bar
from levered_site.charts.line_band import build_line_chart
from levered_site.charts.line_band_points import DayMark, DayPoint, Limits
from levered_site.charts.ridgeline import Ridge, build_density, build_ridgeline
from levered_site.charts.scales import LARGEST
from levered_site.charts.stacked_area import build_stacked_area
from levered_site.charts.stacked_area_layout import ShareSeries
from levered_site.charts.stepped_timeline import Lane, Step, build_timeline
from levered_site.charts.units import CHANGE, LIFT, PLAIN
from tests.support import chart_examples, chart_layout

HEADING = Heading("chart", "Title & <name>", "Description")
START = date(2025, 12, 20)
LETTERS = "abcilmWM0189 ·—-<&>\"'é漢字😀\n\x00\ud800\u0301ﷺи"
EXTREMES = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300, -1e99, 5e-324, 1e-9)


class Draw(Random):
    """Random inputs of charts: names of any length, numbers of any size."""

    def name(self) -> str:
        return "".join(self.choices(LETTERS, k=self.choice((0, 1, 3, 8, 20, 60))))

    def number(self) -> float | None:
        kind = self.random()
        if kind < 0.15:
            return None
        if kind < 0.3:
            return self.choice(EXTREMES)
        return self.gauss(0, 10 ** self.uniform(-6, 6) if kind < 0.4 else 20)

    def day(self) -> date:
        return START + timedelta(days=self.randrange(self.choice((2, 40, 2000))))

    def moment(self) -> datetime:
        seconds = self.uniform(0, self.choice((50, 40_000, 10**8)))
        return datetime(2025, 12, 20, tzinfo=UTC) + timedelta(seconds=seconds)

    def span(self) -> TrackSpan:
        end = self.choice((None, self.moment()))
        return TrackSpan(self.name(), self.moment(), end, self.name())

    def limits(self) -> Limits | None:
        low, high = self.number(), self.number()
        if low is None or high is None:
            return self.choice((None, (low, high)))
        return min(low, high), max(low, high)

    def point(self) -> DayPoint:
        return DayPoint(
            self.day(), self.number(), self.limits(), self.limits(), self.name()
        )

    def mark(self) -> DayMark:
        kind = self.choice(("decided", "regime", "note"))
        return DayMark(self.day(), self.name(), kind)

    def ridge(self) -> Ridge:
        mean, spread = self.number() or 0.0, abs(self.number() or 0.0)
        ends = mean - 2 * spread, mean + 2 * spread
        density = build_density(mean, *ends)
        return Ridge(self.name(), mean, *ends, density, (self.name(), self.name()))

    def step(self) -> Step:
        last = self.choice((None, self.day()))
        return Step(self.name(), self.day(), last, self.name())


def assert_laid_out(chart: Element) -> None:
    """Raise AssertionError if texts overlap, or anything is outside of its drawing."""
    for drawing in chart_layout.list_drawings(chart):
        width, height = chart_layout.read_size(drawing)
        texts = chart_layout.list_texts(drawing)
        for box in (*texts, *chart_layout.list_shapes(drawing)):
            assert box.lies_in(width, height), (box, width, height)
        for index, box in enumerate(texts):
            for other in texts[index + 1 :]:
                assert not box.overlaps(other), (box, other)


seeds = pytest.mark.parametrize("seed", range(25))


@pytest.mark.parametrize("name", chart_examples.EXAMPLES)
def test_examples_are_laid_out(name: str) -> None:
    assert_laid_out(chart_examples.EXAMPLES[name])


@seeds
def test_lines_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    points = {point.day: point for point in (draw.point() for _ in range(seed))}
    marks = [draw.mark() for _ in range(seed % 8)]
    unit = draw.choice((LIFT, CHANGE))
    assert_laid_out(
        build_line_chart(
            HEADING, list(points.values()), marks, unit=unit, value_name="lift"
        )
    )


@seeds
def test_shares_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    versions = [draw.name() for _ in range(seed)]
    series = [
        ShareSeries(
            draw.name(), [draw.choice((None, *[draw.random()] * 9)) for _ in versions]
        )
        for _ in range(seed % 10)
    ]
    assert_laid_out(build_stacked_area(HEADING, versions, series))


@seeds
def test_forests_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    rows = [
        ForestRow(
            draw.name(),
            draw.number(),
            draw.number(),
            draw.number(),
            draw.choice(("", draw.name())),
            withheld=draw.name(),
        )
        for _ in range(seed % 25)
    ]
    unit = draw.choice((LIFT, CHANGE))
    assert_laid_out(build_forest(HEADING, rows, unit=unit, row_name="metric"))


@seeds
def test_ridges_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    assert_laid_out(
        build_ridgeline(
            HEADING,
            [draw.ridge() for _ in range(seed % 15)],
            unit=PLAIN,
            column_names=("best with", "users"),
            baseline=draw.number(),
        )
    )


@seeds
def test_heat_maps_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    rows = [draw.name() for _ in range(seed % 7)]
    columns = [draw.name() for _ in range(seed % 16)]
    cells = [
        [HeatCell(draw.number(), draw.name(), draw.random() < 0.2) for _ in columns]
        for _ in rows
    ]
    hue: Literal["share", "signed"] = draw.choice(("share", "signed"))
    chart = HeatMap(draw.name(), rows, columns, cells, hue, "beyond chance")
    assert_laid_out(build_heat_map(HEADING, chart))


@seeds
def test_timelines_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    lanes = [
        Lane(draw.name(), [draw.step() for _ in range(draw.randrange(8))])
        for _ in range(seed % 6)
    ]
    assert_laid_out(build_timeline(HEADING, lanes, draw.day()))


@seeds
def test_tracks_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    lanes = [
        TrackLane(
            draw.name(),
            [draw.span() for _ in range(draw.randrange(6))],
            [
                TrackEvent(draw.name(), draw.moment(), "good", draw.name())
                for _ in range(draw.randrange(80))
            ],
        )
        for _ in range(seed % 6)
    ]
    assert_laid_out(build_event_track(HEADING, lanes, draw.moment()))


@seeds
def test_bars_are_laid_out(seed: int) -> None:
    draw = Draw(seed)
    interval = draw.number(), draw.number()
    reach = draw.number() or 0.0
    chart = build_interval_bar("bar", draw.name(), interval, draw.number(), reach)
    assert_laid_out(chart)


@seeds
def test_ranges_are_laid_out_or_left_out(seed: int) -> None:
    draw = Draw(seed)
    numbers = [draw.number() or 0.0 for _ in range(5)]
    chart = build_range_bar(
        "range",
        draw.name(),
        (numbers[0], numbers[1]),
        numbers[2],
        (numbers[3], numbers[4]),
        draw.number(),
    )
    if chart is not None:
        assert_laid_out(chart)
    assert (chart is None) == (
        not all(map(math.isfinite, numbers))
        or max(map(abs, numbers)) > LARGEST
        or numbers[3] >= numbers[4]
    )
