"""One interval: in a row of a forest or a ridge, or alone in a list."""

from collections.abc import Iterator
from typing import Literal

from levered_site.charts.element import Element, build
from levered_site.charts.marks import draw_dot, draw_line, draw_path
from levered_site.charts.scales import Scale, keep_finite

Tone = Literal["neutral", "good", "watch", "bad"]
BAR_WIDTH, BAR_HEIGHT = 96, 18
RANGE_WIDTH = 220


def draw_interval(
    scale: Scale,
    y: float,
    estimate: float | None,
    ends: tuple[float | None, float | None] | None,
    tone: Tone,
) -> Iterator[Element]:
    """Yield a line from end to end and a dot at the estimate, if the scale has it.

    An end that is open or beyond the scale is an arrow.
    """
    if ends is not None:
        low, high = ends
        left = scale.start if low is None else scale.place(low)
        right = scale.end if high is None else scale.place(high)
        yield draw_line((left, y), (right, y), f"chart-interval chart-{tone}")
        if low is None or not scale.contains(low):
            yield _draw_arrow(left, y, 4, tone)
        if high is None or not scale.contains(high):
            yield _draw_arrow(right, y, -4, tone)
    if estimate is not None and scale.contains(estimate):
        yield draw_dot((scale.place(estimate), y), f"chart-estimate chart-{tone}")


def _draw_arrow(x: float, y: float, reach: float, tone: Tone) -> Element:
    points = [(x + reach, y - 4), (x, y), (x + reach, y + 4)]
    return draw_path(points, f"chart-arrow chart-{tone}")


def build_interval_bar(
    prefix: str,
    title: str,
    interval: tuple[float | None, float | None],
    estimate: float | None,
    reach: float,
    tone: Tone = "neutral",
) -> Element:
    """Return a small interval for a row of a list, without an axis.

    All rows of the list are given the same `reach`, the value at both edges, so that
    they can be compared. `title` says the interval in words.
    """
    low, high = map(keep_finite, interval)
    limit = keep_finite(reach) or 1.0
    scale = Scale(-abs(limit), abs(limit), 4, BAR_WIDTH - 4)
    zero, y = scale.place(0), BAR_HEIGHT / 2
    ends = None if low is None and high is None else (low, high)
    return build(
        "svg",
        build("title", title, id=f"{prefix}-title"),
        build("desc", "Zero is in the middle.", id=f"{prefix}-desc"),
        draw_line((zero, 1), (zero, BAR_HEIGHT - 1), "chart-zero"),
        *draw_interval(scale, y, keep_finite(estimate), ends, tone),
        class_="chart-frame chart-bar",
        role="img",
        aria_labelledby=f"{prefix}-title",
        aria_describedby=f"{prefix}-desc",
        viewBox=f"0 0 {BAR_WIDTH} {BAR_HEIGHT}",
        width=BAR_WIDTH,
        height=BAR_HEIGHT,
    )


def build_range_bar(
    prefix: str,
    title: str,
    interval: tuple[float, float],
    estimate: float,
    ends: tuple[float, float],
    mark: float | None = None,
) -> Element | None:
    """Return an interval as wide as its place, on the scale `ends` of all in a list.

    `mark` is what all are compared with; `title` says it and the interval in words. None
    where a number is not finite.
    """
    low, high = map(keep_finite, interval)
    mean, left, right = map(keep_finite, (estimate, *ends))
    if None in (low, high, mean) or left is None or right is None or left >= right:
        return None
    scale = Scale(left, right, 4, RANGE_WIDTH - 4)
    y, marked = BAR_HEIGHT / 2, keep_finite(mark)
    rule = None
    if marked is not None and scale.contains(marked):
        x = scale.place(marked)
        rule = draw_line((x, 1), (x, BAR_HEIGHT - 1), "chart-mark")
    return build(
        "svg",
        build("title", title, id=f"{prefix}-title"),
        build("desc", "All bars of the list have one scale.", id=f"{prefix}-desc"),
        draw_line((4, y), (RANGE_WIDTH - 4, y), "chart-grid"),
        rule,
        *draw_interval(scale, y, mean, (low, high), "neutral"),
        class_="chart-frame chart-bar chart-range",
        role="img",
        aria_labelledby=f"{prefix}-title",
        aria_describedby=f"{prefix}-desc",
        viewBox=f"0 0 {RANGE_WIDTH} {BAR_HEIGHT}",
        width=RANGE_WIDTH,
        height=BAR_HEIGHT,
    )


def find_tone(
    interval: tuple[float | None, float | None], *, is_less_better: bool
) -> Tone:
    """Return `good` or `bad` for an interval that excludes zero, else `neutral`."""
    low, high = interval
    if low is not None and low > 0:
        return "bad" if is_less_better else "good"
    if high is not None and high < 0:
        return "good" if is_less_better else "bad"
    return "neutral"
