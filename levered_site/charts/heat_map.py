"""Cells in rows and columns: what goes together, and who gets what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from levered_site.charts.element import Element, build, format_number
from levered_site.charts.figure import (
    Drawing,
    Heading,
    Table,
    build_figure,
    build_sentence,
)
from levered_site.charts.marks import LINE_HEIGHT, draw_rect, draw_text, measure_text
from levered_site.charts.palette import DEEP_SHADE, find_shade
from levered_site.charts.scales import keep_finite

Hue = Literal["share", "signed", "signed_less"]
EMPTY = "There are no two things to compare yet."
MAX_ROWS, MAX_COLUMNS = 16, 12
CELL_WIDTH, CELL_HEIGHT, GAP = 44, 24, 2
PALEST_MARKED, DEEPEST_UNMARKED = 4, 2  # shades of signed cells


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A value and how it is written; None is a cell without a figure."""

    value: float | None
    text: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Rows and columns by name, each row with one cell per column.

    `hue` is `share` for values from 0 to 1, `signed` for values around zero of which more
    is better, and `signed_less` where less is better. A signed cell is pale unless it is
    marked: an eye that sees color must not see chance.
    `mark_meaning` says what an outlined cell is.
    """

    corner: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[HeatCell]]
    hue: Hue = "share"
    mark_meaning: str = ""

    def find_largest(self) -> float:
        """Return the largest value, whatever its sign; 0 where there is none."""
        values = (keep_finite(cell.value) for row in self.cells for cell in row)
        return max((abs(value) for value in values if value is not None), default=0.0)


def build_heat_map(heading: Heading, chart: HeatMap) -> Element:
    """Return the cells; columns that do not fit beside each other go below.

    In the order given, 16 rows are drawn (the table has all) and 12 columns.
    """
    if not chart.rows or not chart.columns:
        return build_sentence(heading, EMPTY)
    return build_figure(heading, lambda width: _draw(chart, width), _build_table(chart))


def _draw(chart: HeatMap, width: int) -> Drawing:
    labels = [*chart.rows[:MAX_ROWS], chart.corner]
    longest = max(measure_text(label, "strong") for label in labels)
    left = min(longest + 10, 0.36 * width)
    columns = min(len(chart.columns), MAX_COLUMNS)
    fitting = max(1, int((width - left) // CELL_WIDTH))
    fitting = -(-columns // -(-columns // fitting))  # no block of one column only
    cell = min((width - left) / min(columns, fitting), 96.0)
    elements: list[Element | None] = []
    top = 0.0
    for first in range(0, columns, fitting):
        block = range(first, min(first + fitting, columns))
        elements.extend(_draw_block(chart, block, top, left, cell))
        top += LINE_HEIGHT + 6 + CELL_HEIGHT * min(len(chart.rows), MAX_ROWS) + 10
    for note in _list_notes(chart):
        elements.append(draw_text(note, (0, top + 8), width, kind="note"))
        top += LINE_HEIGHT
    return Drawing(top, elements)


def _draw_block(
    chart: HeatMap, columns: range, top: float, left: float, cell: float
) -> list[Element | None]:
    """Return a header and all rows of some columns."""
    elements = [draw_text(chart.corner, (0, top + 14), left - 8, kind="note")]
    for place, column in enumerate(columns):
        at = (left + (place + 0.5) * cell, top + 14)
        name = chart.columns[column]
        elements.append(draw_text(name, at, cell - 6, kind="note", anchor="middle"))
    first = top + LINE_HEIGHT + 6
    for index, label in enumerate(chart.rows[:MAX_ROWS]):
        elements.append(
            draw_text(label, (0, first + CELL_HEIGHT * index + 16), left - 8)
        )
    places = [
        _Place(chart, row, column, left + place * cell, first + row * CELL_HEIGHT, cell)
        for place, column in enumerate(columns)
        for row in range(min(len(chart.rows), MAX_ROWS))
    ]
    places.sort(key=lambda place: _find_shade(place.chart, place.cell))
    return [*elements, *_draw_shades(places), *map(_draw_cell_text, places)]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a cell is drawn."""

    chart: HeatMap
    row: int
    column: int
    left: float
    top: float
    width: float

    @property
    def cell(self) -> HeatCell:
        return self.chart.cells[self.row][self.column]


def _draw_shades(places: Sequence[_Place]) -> list[Element]:
    """Return one path for all cells of a shade, and outlines of those that are marked."""
    by_shade: dict[str, list[str]] = {}
    outlines = []
    for place in places:
        width, height = place.width - GAP, CELL_HEIGHT - GAP
        corner = f"M{format_number(place.left)} {format_number(place.top)}"
        step = format_number(width)
        shade, _ = _find_shade(place.chart, place.cell)
        by_shade.setdefault(shade, []).append(f"{corner}h{step}v{height}h-{step}z")
        if place.cell.is_marked:
            size, title = (width, float(height)), _describe_cell(place)
            outlines.append(
                draw_rect((place.left, place.top), size, "chart-marked", title)
            )
    paths = [
        build("path", class_=f"chart-cell {shade}", d="".join(squares))
        for shade, squares in by_shade.items()
    ]
    return [*paths, *outlines]


def _describe_cell(place: _Place) -> str:
    chart = place.chart
    text = f"{chart.rows[place.row]}, {chart.columns[place.column]}: {place.cell.text}"
    return f"{text} ({chart.mark_meaning})" if chart.mark_meaning else text


def _draw_cell_text(place: _Place) -> Element | None:
    _, is_deep = _find_shade(place.chart, place.cell)
    width = place.width - GAP
    return draw_text(
        place.cell.text,
        (place.left + width / 2, place.top + 15),
        width - 4,
        kind="note",
        anchor="middle",
        color="chart-on-deep" if is_deep else "chart-on-shade",
    )


def _find_shade(chart: HeatMap, cell: HeatCell) -> tuple[str, bool]:
    """Return the class of a cell's shade, and whether the shade is deep.

    Where marks say what is beyond chance, all else is pale, however large.
    """
    value = keep_finite(cell.value)
    if value is None:
        return "chart-missing", False
    if chart.hue == "share":
        step = find_shade(value)
        return f"chart-share-{step}", step >= DEEP_SHADE
    hue = "gain" if (value >= 0) == (chart.hue == "signed") else "loss"
    share = abs(value) / (chart.find_largest() or 1.0)
    if cell.is_marked:
        step = max(PALEST_MARKED, find_shade(share))
    else:
        step = round(DEEPEST_UNMARKED * share)
    return f"chart-{hue}-{step}", step >= DEEP_SHADE


def _list_notes(chart: HeatMap) -> list[str]:
    notes = []
    if any(cell.is_marked for row in chart.cells for cell in row):
        notes.append(f"Outlined: {chart.mark_meaning}.")
    if len(chart.columns) > MAX_COLUMNS:
        notes.append(f"{len(chart.columns) - MAX_COLUMNS} more columns are not drawn.")
    if len(chart.rows) > MAX_ROWS:
        notes.append(f"{len(chart.rows) - MAX_ROWS} more rows below, under Numbers.")
    return notes


def _build_table(chart: HeatMap) -> Table:
    columns = range(min(len(chart.columns), MAX_COLUMNS))
    rows = [
        (label, *(_write_cell(chart, cells[column]) for column in columns))
        for label, cells in zip(chart.rows, chart.cells, strict=True)
    ]
    more = len(chart.columns) - len(columns)
    return Table(
        (chart.corner, *(chart.columns[column] for column in columns)),
        rows,
        f"{more} more columns are not listed." if more else "",
    )


def _write_cell(chart: HeatMap, cell: HeatCell) -> str:
    if cell.is_marked and chart.mark_meaning:
        return f"{cell.text} ({chart.mark_meaning})"
    return cell.text
