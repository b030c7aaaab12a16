"""The marks that charts are made of: texts, lines, shapes, and what a pointer finds."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from levered_site.charts.element import Element, build, clean_text, format_number
from levered_site.charts.text_widths import estimate_width, truncate_middle

SIZES = {"label": 12, "strong": 12, "note": 11, "headline": 16}
BOLD_KINDS = frozenset({"strong", "headline"})
LINE_HEIGHT = 16
SHORT_NAME = 170  # pixels

Point = tuple[float, float]


def measure_text(text: str, kind: str = "label") -> float:
    """Return the width that a text of this kind does not exceed."""
    return estimate_width(clean_text(text), SIZES[kind], is_bold=kind in BOLD_KINDS)


def draw_text(
    text: str,
    at: Point,
    width: float,
    *,
    kind: str = "label",
    anchor: str = "start",
    color: str = "",
) -> Element | None:
    """Return a text at most `width` wide, its full text in a title if it is cut.

    `at` is where its baseline starts, ends or has its middle, as `anchor` says. None
    where there is no room for a single letter.
    """
    text = clean_text(text)
    shown = truncate_middle(text, width, SIZES[kind], is_bold=kind in BOLD_KINDS)
    if not shown:
        return None
    full = None if shown == text else build("title", text)
    return build(
        "text",
        shown,
        full,
        class_=f"chart-{kind} {color}".rstrip(),
        x=at[0],
        y=at[1],
        text_anchor=None if anchor == "start" else anchor,
    )


def draw_line(start: Point, end: Point, class_: str) -> Element:
    """Return a straight line."""
    return build("line", class_=class_, x1=start[0], y1=start[1], x2=end[0], y2=end[1])


def draw_rect(corner: Point, size: Point, class_: str, title: str = "") -> Element:
    """Return a rectangle; one with a title is found by the pointer."""
    return build(
        "rect",
        build("title", title) if title else None,
        class_=f"{class_} chart-point" if title else class_,
        x=corner[0],
        y=corner[1],
        width=max(size[0], 0.0),
        height=max(size[1], 0.0),
    )


def draw_hit(corner: Point, size: Point, title: str) -> Element:
    """Return an invisible rectangle whose title is shown by the pointer over it."""
    return build(
        "rect",
        build("title", title),
        class_="chart-point",
        fill="none",
        pointer_events="all",
        x=corner[0],
        y=corner[1],
        width=max(size[0], 0.0),
        height=max(size[1], 0.0),
    )


def draw_dot(center: Point, class_: str, radius: float = 3.5) -> Element:
    """Return a filled circle."""
    return build("circle", class_=class_, cx=center[0], cy=center[1], r=radius)


def shorten_name(name: str) -> str:
    """Return a name as it stands in a title that holds several."""
    return truncate_middle(name, SHORT_NAME, SIZES["note"])


def draw_path(
    points: Sequence[Point], class_: str, *, is_closed: bool = False
) -> Element:
    """Return a path through the points."""
    pairs = (f"{format_number(x)} {format_number(y)}" for x, y in points)
    end = "Z" if is_closed else ""
    return build("path", class_=class_, d=f"M{'L'.join(pairs)}{end}")


def split_at_gaps(
    values: Iterable[tuple[float, float | None]],
) -> list[list[Point]]:
    """Return the stretches of points between gaps, which are None."""
    stretches = []
    for is_gap, group in groupby(values, key=lambda pair: pair[1] is None):
        if not is_gap:
            stretches.append([(x, y) for x, y in group if y is not None])
    return stretches
