"""Intervals under one another around zero: guardrails, segments, factors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from levered_site.charts.axes import draw_values_below
from levered_site.charts.element import Element
from levered_site.charts.figure import (
    Drawing,
    Heading,
    Table,
    build_figure,
    build_sentence,
)
from levered_site.charts.intervals import Tone, draw_interval
from levered_site.charts.marks import LINE_HEIGHT, draw_hit, draw_text
from levered_site.charts.rows import MAX_ROWS, RowLayout, RowTexts, plan_rows
from levered_site.charts.scales import (
    Scale,
    find_central_range,
    find_range,
    keep_finite,
)
from levered_site.charts.units import Unit

EMPTY = "There is nothing to compare yet."
INDENT = "\N{EM SPACE}"
WIDEST = 4  # times the central range: an interval that is wider ends in arrows


@dataclass(frozen=True, slots=True)
class ForestRow:
    """An estimate with its interval, whose ends may be open; None is withheld.

    A group is the title of the rows below it, without an estimate of its own.
    """

    label: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    tone: Tone = "neutral"
    withheld: str = ""
    is_group: bool = False

    @property
    def has_interval(self) -> bool:
        """Return whether at least one end is known."""
        return self.low is not None or self.high is not None

    @property
    def is_known(self) -> bool:
        """Return whether there is anything to draw."""
        return self.estimate is not None or self.has_interval


def build_forest(
    heading: Heading,
    rows: Sequence[ForestRow],
    *,
    unit: Unit,
    row_name: str,
    interval_name: str = "95% at every look",
) -> Element:
    """Return the intervals in the order given; a sentence where there are none.

    The first 20 rows are drawn, the table has all. Where all rows are withheld the
    sentence says why.
    """
    cleaned = [
        replace(
            row,
            estimate=keep_finite(row.estimate),
            low=keep_finite(row.low),
            high=keep_finite(row.high),
        )
        for row in rows
    ]
    if not cleaned:
        return build_sentence(heading, EMPTY)
    if not any(row.is_known for row in cleaned):
        return build_sentence(heading, _explain_withheld(cleaned))
    drawn = cleaned[:MAX_ROWS]
    more = len(cleaned) - len(drawn)
    return build_figure(
        heading,
        lambda width: _draw(drawn, unit, width, more),
        _build_table(cleaned, unit, row_name, interval_name),
    )


def _explain_withheld(rows: Sequence[ForestRow]) -> str:
    """Return the reasons, each with the rows that it is of unless it is of all."""
    labels: dict[str, list[str]] = {}
    for row in rows:
        if not row.is_group:
            labels.setdefault(row.withheld or "no figures yet", []).append(row.label)
    if len(labels) <= 1:
        return f"Withheld: {next(iter(labels), 'no figures yet')}."
    reasons = (f"{', '.join(named)}: {reason}." for reason, named in labels.items())
    return f"Withheld. {' '.join(reasons)}"


def _draw(rows: Sequence[ForestRow], unit: Unit, width: int, more: int) -> Drawing:
    has_groups = any(row.is_group for row in rows)
    texts = [_build_texts(row, unit, has_groups=has_groups) for row in rows]
    layout = plan_rows(width, texts, top=6, heights=(38, 24))
    plot = layout.find_plot(len(rows))
    scale = Scale(*_find_range(rows), plot.left, plot.right)
    elements: list[Element | None] = [
        *draw_values_below(plot, scale, unit),
    ]
    for index, (row, text) in enumerate(zip(rows, texts, strict=True)):
        elements.extend(layout.draw_row_texts(text, 16, index))
        elements.extend(_draw_row(row, layout, scale, index))
        elements.append(_draw_hit(row, layout, unit, index))
    bottom = plot.bottom + LINE_HEIGHT + 8
    if more:
        note = f"{more} more below, under Numbers"
        elements.append(draw_text(note, (0, bottom + 10), width, kind="note"))
        bottom += LINE_HEIGHT + 4
    return Drawing(bottom, elements)


def _build_texts(row: ForestRow, unit: Unit, *, has_groups: bool) -> RowTexts:
    """Return the texts of a row; below a group they stand back from it."""
    if row.is_group:
        return RowTexts(row.label, (row.note, ""), is_strong=True, has_plot=False)
    label = f"{INDENT}{row.label}" if has_groups else row.label
    columns = (row.note, unit.format_value(row.estimate))
    return RowTexts(label, columns, is_strong=not has_groups)


def _find_range(rows: Sequence[ForestRow]) -> tuple[float, float]:
    """Return a range of all ends but those that would press the others together."""
    values = [row.estimate for row in rows if row.estimate is not None]
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    reach = max(map(abs, find_central_range(values, ends)))
    near = [end for end in ends if abs(end) <= WIDEST * reach]
    return find_range([0.0, *values, *near])


def _draw_row(
    row: ForestRow, layout: RowLayout, scale: Scale, index: int
) -> list[Element | None]:
    zero = layout.find_rule(scale.place(0), index)
    if row.is_group:
        return [] if layout.is_stacked else [zero]
    y = layout.tops[index] + (27 if layout.is_stacked else 12)
    if not row.is_known:
        width = scale.end - scale.start
        at = (scale.start, y + 4)
        return [draw_text(row.withheld or "withheld", at, width, kind="note")]
    ends = (row.low, row.high) if row.has_interval else None
    return [zero, *draw_interval(scale, y, row.estimate, ends, row.tone)]


def _draw_hit(row: ForestRow, layout: RowLayout, unit: Unit, index: int) -> Element:
    parts = [row.label]
    if not row.is_group:
        parts = [f"{row.label}: {unit.format_value(row.estimate)}"]
    if row.has_interval:
        parts.append(unit.format_interval(row.low, row.high))
    parts.extend(text for text in (row.note, row.withheld) if text)
    size = (layout.width, layout.find_height(index))
    return draw_hit((0.0, layout.tops[index]), size, "; ".join(parts))


def _build_table(
    rows: Sequence[ForestRow], unit: Unit, row_name: str, interval_name: str
) -> Table:
    return Table(
        (row_name, "change", interval_name, "note"),
        [
            (
                row.label,
                "" if row.is_group else unit.format_value(row.estimate),
                "" if row.is_group else unit.format_interval(row.low, row.high),
                "; ".join(filter(None, (row.note, row.withheld))),
            )
            for row in rows
        ],
    )
