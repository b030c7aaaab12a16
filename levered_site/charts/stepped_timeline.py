"""Spans of days in lanes: regimes and policy versions, one step after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from levered_site.charts.axes import Plot, draw_dates_below
from levered_site.charts.element import Element
from levered_site.charts.figure import (
    Drawing,
    Heading,
    Table,
    build_figure,
    build_sentence,
)
from levered_site.charts.marks import (
    LINE_HEIGHT,
    draw_rect,
    draw_text,
    measure_text,
)
from levered_site.charts.rows import NARROW
from levered_site.charts.scales import Scale

EMPTY = "Nothing has begun yet."
STEP_HEIGHT = 24
MAX_LANES = 12


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of days from `first` to `last`, which is None while it lasts."""

    label: str
    first: date
    last: date | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """Steps after one another, by their first days."""

    name: str
    steps: Sequence[Step]


def build_timeline(heading: Heading, lanes: Sequence[Lane], today: date) -> Element:
    """Return the lanes until today; a sentence where no lane has a step.

    A step is written in its block if it fits there; the table has all.
    """
    used = [lane for lane in lanes if lane.steps]
    if not used:
        return build_sentence(heading, EMPTY)
    first = min(step.first for lane in used for step in lane.steps)
    ends = [_find_last(step, today) for lane in used for step in lane.steps]
    span = (first, max(ends))
    rows = [
        (
            f"{lane.name}: {step.label}",
            f"{step.first}",
            f"{step.last}" if step.last else "still",
            step.detail,
        )
        for lane in used
        for step in lane.steps
    ]
    return build_figure(
        heading,
        lambda width: _draw(used[:MAX_LANES], span, today, width),
        Table(("step", "from", "to", "why"), rows),
    )


def _find_last(step: Step, today: date) -> date:
    return max(step.first, step.last or today)


def _draw(
    lanes: Sequence[Lane], span: tuple[date, date], today: date, width: int
) -> Drawing:
    longest = max(measure_text(lane.name, "strong") for lane in lanes)
    is_stacked = width < NARROW
    left = 0.0 if is_stacked else min(longest + 10, 0.3 * width)
    lane_height = STEP_HEIGHT + (LINE_HEIGHT + 6 if is_stacked else 8)
    plot = Plot(left, width, 0, len(lanes) * lane_height, width)
    # A day is as wide as the days before and after it: the last one must be seen, too.
    days = Scale(span[0].toordinal(), span[1].toordinal() + 1, left, width)
    elements = draw_dates_below(plot, days, span)
    for index, lane in enumerate(lanes):
        top = index * lane_height
        room = width if is_stacked else left - 8
        elements.append(draw_text(lane.name, (0, top + 15), room, kind="strong"))
        block_top = top + (LINE_HEIGHT + 4 if is_stacked else 0)
        elements.extend(_draw_lane(lane, days, block_top, today))
    return Drawing(plot.bottom + LINE_HEIGHT + 8, elements)


def _draw_lane(
    lane: Lane, days: Scale, top: float, today: date
) -> list[Element | None]:
    elements: list[Element | None] = []
    steps = sorted(lane.steps, key=lambda step: step.first)
    for index, step in enumerate(steps):
        last = _find_last(step, today)
        left = days.place(step.first.toordinal())
        right = days.place(last.toordinal() + 1)
        if index + 1 < len(steps):
            right = min(right, days.place(steps[index + 1].first.toordinal()))
        shade = "chart-step" if index % 2 == 0 else "chart-step chart-other"
        title = _describe_step(lane, step)
        elements.append(
            draw_rect((left, top), (right - left - 1, STEP_HEIGHT), shade, title)
        )
        if measure_text(step.label, "note") <= right - left - 9:
            at = (left + 4, top + 16)
            elements.append(
                draw_text(
                    step.label, at, right - left, kind="note", color="chart-on-shade"
                )
            )
    return elements


def _describe_step(lane: Lane, step: Step) -> str:
    end = f"to {step.last}" if step.last else "still"
    detail = f": {step.detail}" if step.detail else ""
    return f"{lane.name}, {step.label}, from {step.first} {end}{detail}"
