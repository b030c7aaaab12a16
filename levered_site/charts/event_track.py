"""Spans and single events in lanes over hours or days: what one visitor met, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from levered_site.charts.axes import Plot, draw_texts_below
from levered_site.charts.element import Element
from levered_site.charts.figure import (
    Drawing,
    Heading,
    Table,
    build_figure,
    build_sentence,
)
from levered_site.charts.intervals import Tone
from levered_site.charts.marks import (
    LINE_HEIGHT,
    draw_dot,
    draw_hit,
    draw_rect,
    draw_text,
    measure_text,
)
from levered_site.charts.rows import NARROW
from levered_site.charts.scales import Scale

EMPTY = "Nothing has happened yet."
LANE_HEIGHT = 24
MAX_DRAWN = 60  # events of a lane; the table has all
HOUR, DAY = 3600, 86_400
STEPS: Final = (
    *(60, 300, 900, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 7 * DAY, 28 * DAY, 91 * DAY, 364 * DAY),
)


@dataclass(frozen=True, slots=True)
class TrackSpan:
    """A stretch of time; one without an end lasts to the end of the picture."""

    label: str
    start: datetime
    end: datetime | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """Something that happened at a moment."""

    label: str
    at: datetime
    tone: Tone = "neutral"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TrackLane:
    """Spans after one another, and events upon them."""

    name: str
    spans: Sequence[TrackSpan] = ()
    events: Sequence[TrackEvent] = ()


def build_event_track(
    heading: Heading, lanes: Sequence[TrackLane], end: datetime
) -> Element:
    """Return the lanes up to `end`, or to what happens last; a sentence where none is used.

    Moments are aware. They are shown in UTC.
    """
    used = [lane for lane in lanes if lane.spans or lane.events]
    if not used:
        return build_sentence(heading, EMPTY)
    moments = [event.at for lane in used for event in lane.events]
    moments += [span.start for lane in used for span in lane.spans]
    ends = [span.end for lane in used for span in lane.spans if span.end is not None]
    first = min(moments).timestamp()
    last = max(*moments, *ends, end).timestamp()
    last = max(last, first + HOUR)
    return build_figure(
        heading,
        lambda width: _draw(used, (first, last), width),
        Table(("lane", "what", "from", "to", "why"), _list_rows(used)),
    )


def _list_rows(lanes: Sequence[TrackLane]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for lane in lanes:
        for span in lane.spans:
            until = "still" if span.end is None else format_moment(span.end)
            start = format_moment(span.start)
            rows.append((lane.name, span.label, start, until, span.detail))
        for event in lane.events:
            at = format_moment(event.at)
            rows.append((lane.name, event.label, at, at, event.detail))
    return rows


def format_moment(moment: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _draw(lanes: Sequence[TrackLane], ends: tuple[float, float], width: int) -> Drawing:
    longest = max(measure_text(lane.name, "strong") for lane in lanes)
    is_stacked = width < NARROW
    left = 0.0 if is_stacked else min(longest + 10, 0.3 * width)
    height = LANE_HEIGHT + (LINE_HEIGHT + 6 if is_stacked else 8)
    plot = Plot(left, width, 0, len(lanes) * height, width)
    # Room for half a dot at both ends.
    scale = Scale(*ends, left + 5, width - 5)
    elements = _draw_moments_below(plot, scale)
    for index, lane in enumerate(lanes):
        top = index * height
        room = width if is_stacked else left - 8
        elements.append(draw_text(lane.name, (0, top + 15), room, kind="strong"))
        block_top = top + (LINE_HEIGHT + 4 if is_stacked else 0)
        elements += _draw_spans(lane, scale, block_top)
        elements += _draw_events(lane, scale, block_top)
    return Drawing(plot.bottom + LINE_HEIGHT + 8, elements)


def _draw_moments_below(plot: Plot, scale: Scale) -> list[Element | None]:
    room = max(2.0, (plot.right - plot.left) / 75)
    span = scale.high - scale.low
    step = next((each for each in STEPS if span / each <= room), STEPS[-1])
    first = -(-int(scale.low) // step) * step
    ticks = list(range(first, int(scale.high) + 1, step))[: int(room) + 2]
    if not ticks:  # a span of a minute between two ticks
        ticks = [int(scale.low)]
    days = {_read(tick).date() for tick in (ticks[0], ticks[-1])}
    texts = [_format_tick(tick, step, with_day=len(days) > 1) for tick in ticks]
    return draw_texts_below(plot, [scale.place(tick) for tick in ticks], texts)


def _format_tick(tick: int, step: int, *, with_day: bool) -> str:
    moment = _read(tick)
    if step >= DAY:
        return f"{moment:%m-%d}"
    return f"{moment:%m-%d %H:%M}" if with_day else f"{moment:%H:%M}"


def _read(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _draw_spans(lane: TrackLane, scale: Scale, top: float) -> list[Element | None]:
    """Return the spans, each at most until the next one begins."""
    elements: list[Element | None] = []
    spans = sorted(lane.spans, key=lambda span: span.start)
    for index, span in enumerate(spans):
        left = scale.place(span.start.timestamp())
        right = scale.place(span.end.timestamp() if span.end else scale.high)
        if index + 1 < len(spans):
            right = min(right, scale.place(spans[index + 1].start.timestamp()))
        shade = "chart-step" if index % 2 == 0 else "chart-step chart-other"
        title = _describe(lane.name, span.label, span.detail)
        size = (max(right - left - 1, 1.0), float(LANE_HEIGHT))
        elements.append(draw_rect((left, top), size, shade, title))
        if measure_text(span.label, "note") <= right - left - 9:
            at = (left + 4, top + 16)
            elements.append(
                draw_text(
                    span.label, at, right - left, kind="note", color="chart-on-shade"
                )
            )
    return elements


def _draw_events(lane: TrackLane, scale: Scale, top: float) -> list[Element | None]:
    elements: list[Element | None] = []
    middle = top + LANE_HEIGHT / 2
    for event in lane.events[:MAX_DRAWN]:
        x = scale.place(event.at.timestamp())
        title = _describe(
            lane.name, f"{event.label}, {format_moment(event.at)}", event.detail
        )
        elements.append(draw_dot((x, middle), f"chart-estimate chart-{event.tone}", 4))
        elements.append(draw_hit((x - 5, top), (10, LANE_HEIGHT), title))
    return elements


def _describe(name: str, label: str, detail: str) -> str:
    return f"{name}: {label}" + (f": {detail}" if detail else "")
