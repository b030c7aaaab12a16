"""Documents as tables for people, as JSON and as CSV for programs."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

EIGHTHS = " ▏▎▍▌▋▊▉"
BAR = 10
NOTHING = "-"
Row = Mapping[str, Any]
Render = Callable[[Any], str]


def format_plain(value: Any) -> str:
    """Return a value as people read it."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={format_plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(format_plain(each) for each in value)
    return _format_scalar(value)


def _format_scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def format_time(value: Any) -> str:
    """Return a moment to the minute."""
    return str(value)[:16].replace("T", " ") if value else NOTHING


def format_percent(value: Any) -> str:
    """Return a share as percent."""
    return NOTHING if value is None else f"{value * 100:.1f}%"


def format_change(value: Any) -> str:
    """Return a lift in percent with its sign."""
    return NOTHING if value is None else f"{value:+.1f}%"


def format_difference(value: Any) -> str:
    """Return a difference in the unit of the reward, with its sign."""
    return NOTHING if value is None else f"{value:+.4g}"


def format_differences(value: Any) -> str:
    """Return an interval of differences."""
    if not value:
        return NOTHING
    low, high = value
    return f"{format_difference(low)} to {format_difference(high)}"


def format_interval(value: Any) -> str:
    """Return an interval of lifts."""
    if not value:
        return NOTHING
    low, high = value
    return f"{format_change(low)} to {format_change(high)}"


def format_bar(value: Any) -> str:
    """Return a share as a bar and percent."""
    if value is None:
        return NOTHING
    eighths = round(min(1.0, max(0.0, value)) * BAR * 8)
    bar = "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()
    return f"{bar:<{BAR}} {value * 100:5.1f}%"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the field of the rows, its heading, and how a value is shown."""

    field: str
    heading: str = ""
    render: Render = format_plain
    is_number: bool = False


def build_table(title: str, columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """Return a table for people."""
    heading = Text(make_printable(title), style="bold") if title else None
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            column.heading or column.field.replace("_", " "),
            justify="right" if column.is_number else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(
            *(
                Text(make_printable(column.render(find_field(row, column.field))))
                for column in columns
            )
        )
    return table


def make_printable(text: str) -> str:
    """Return a text without what a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def find_field(row: Row, path: str) -> Any:
    """Return a field of a document by its path, such as `summary.lift`."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def write_csv(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Return rows as CSV with the names of the API's fields."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.field for column in columns])
    for row in rows:
        writer.writerow(
            [_write_cell(find_field(row, column.field)) for column in columns]
        )
    return text.getvalue()


def write_json(document: Any) -> str:
    """Return a document as JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def _write_cell(value: Any) -> Any:
    """Return a value as JSON has it, but a text without quotes, and null as nothing."""
    is_json = isinstance(value, (dict, list, bool))
    return write_compact(value) if is_json else value


def write_compact(value: Any) -> str:
    """Return a value as JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
