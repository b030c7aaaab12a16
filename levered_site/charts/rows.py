"""Charts of one row each: where label, plot and figure of a row stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from levered_site.charts.axes import Plot
from levered_site.charts.element import Element
from levered_site.charts.marks import draw_line, draw_text, measure_text

NARROW = 420  # below it a row's texts stand above its plot
MAX_ROWS = 20


@dataclass(frozen=True, slots=True)
class RowTexts:
    """The texts of a row: its label to the left, up to two columns to the right.

    Without a plot of its own it needs no more height than a wide row where texts stand
    above plots.
    """

    label: str
    columns: tuple[str, ...]
    is_strong: bool = False
    has_plot: bool = True


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Where rows stand: one under another, each from one of `tops` to the next."""

    width: int
    tops: tuple[float, ...]
    plot_left: float
    plot_right: float
    column_rights: tuple[float, ...]
    label_width: float

    @property
    def is_stacked(self) -> bool:
        """Return whether texts stand above the plot of their row, not beside it."""
        return self.width < NARROW

    def find_height(self, index: int) -> float:
        """Return the height of a row."""
        return self.tops[index + 1] - self.tops[index]

    def find_plot(self, rows: int) -> Plot:
        """Return the area of the first rows together."""
        top, bottom = self.tops[0], self.tops[rows]
        return Plot(self.plot_left, self.plot_right, top, bottom, self.width)

    def find_rule(self, x: float, index: int, class_: str = "chart-zero") -> Element:
        """Return a row's part of a line through all rows, not through its texts."""
        top = self.tops[index] + (18 if self.is_stacked else 0)
        return draw_line((x, top), (x, self.tops[index + 1]), class_)

    def draw_row_texts(
        self, texts: RowTexts, baseline: float, index: int
    ) -> list[Element | None]:
        """Return the label and columns of a row, `baseline` below the row's top."""
        y = self.tops[index] + baseline
        kind = "strong" if texts.is_strong else "label"
        elements = [draw_text(texts.label, (0, y), self.label_width, kind=kind)]
        lefts = (self._find_columns_left(), *self.column_rights)
        columns = zip(texts.columns, lefts, self.column_rights, strict=False)
        for number, (text, left, right) in enumerate(columns, start=1):
            shown = kind if number == len(texts.columns) else "label"
            elements.append(
                draw_text(text, (right, y), right - left - 8, kind=shown, anchor="end")
            )
        return elements

    def _find_columns_left(self) -> float:
        return self.label_width if self.is_stacked else self.plot_right


def plan_rows(
    width: int, rows: Sequence[RowTexts], *, top: float, heights: tuple[float, float]
) -> RowLayout:
    """Return the layout of rows; `heights` are those of a narrow and of a wide row."""
    stacked = width < NARROW
    columns = _measure_columns(rows, width)
    rights, right = [], width - 1.0
    for column in reversed(columns):
        rights.append(right)
        right -= column + 12
    steps = [heights[0 if stacked and row.has_plot else 1] for row in rows]
    longest = max((_measure_label(row) for row in rows), default=0.0)
    if stacked:
        label_width, plot_left, plot_right = right, 8.0, width - 8.0
    else:
        label_width = min(longest, 0.44 * width, right - 160)
        plot_left, plot_right = label_width + 12, right - 4
    return RowLayout(
        width,
        tuple(accumulate(steps, initial=top)),
        plot_left,
        plot_right,
        tuple(reversed(rights)),
        label_width,
    )


def _measure_label(row: RowTexts) -> float:
    return measure_text(row.label, "strong" if row.is_strong else "label")


def _measure_columns(rows: Sequence[RowTexts], width: int) -> list[float]:
    """Return the width of each column, none wider than a sixth of the drawing."""
    count = max((len(row.columns) for row in rows), default=0)
    return [
        min(
            max(
                measure_text(row.columns[index], "strong")
                for row in rows
                if len(row.columns) > index
            ),
            0.22 * width,
        )
        for index in range(count)
    ]
