"""Arrays and records as a Postgres prints them; psycopg reads many other texts as well."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

import psycopg
from psycopg.abc import Buffer
from psycopg.types.array import ArrayLoader
from psycopg.types.composite import RecordLoader

MAX_DIMENSIONS = 6
# Of the lower and upper bounds, which are printed where one of the lower is not 1.
BOUNDS = re.compile(r"((?:\[-?\d{1,10}:-?\d{1,10}\]){1,6})=", re.ASCII)
BOUND_PAIR = re.compile(r"\[(-?\d+):(-?\d+)\]", re.ASCII)
QUOTED_FIELD = r'"(?:[^"\\]|""|\\\\)*+"'
PLAIN_FIELD = r'[^(),"\\ \t\n\r\v\f]*+'
RECORD = re.compile(
    rf"\((?:{QUOTED_FIELD}|{PLAIN_FIELD})(?:,(?:{QUOTED_FIELD}|{PLAIN_FIELD}))*+\)"
)


class CheckedRecordLoader(RecordLoader):
    """Load a record, of which psycopg drops what it does not understand."""

    def load(self, data: Buffer) -> tuple[Any, ...]:
        """Return its fields as text. Raises DataError where no Postgres prints it."""
        text = bytes(data).decode()
        if RECORD.fullmatch(text) is None:
            _refuse(text, "record")
        return super().load(data)


class CheckedArrayLoader(ArrayLoader):
    """Load an array, of which psycopg drops what it does not understand."""

    def load(self, data: Buffer) -> list[Any]:
        """Return it as lists. Raises DataError where no Postgres prints it."""
        require_array(bytes(data).decode(), self.delimiter.decode())
        return super().load(data)


@cache
def make_array_loader(base_oid: int, delimiter: str) -> type[CheckedArrayLoader]:
    """Make the loader of arrays of a type."""
    attributes = {"base_oid": base_oid, "delimiter": delimiter.encode()}
    return type("CheckedArrayLoader", (CheckedArrayLoader,), attributes)


def require_array(text: str, delimiter: str) -> None:
    """Raise DataError where no Postgres prints the text as an array.

    Nested arrays of a level have as many items each, and values stand in the innermost.
    """
    bounds = BOUNDS.match(text)
    body = text[bounds.end() :] if bounds else text
    lengths = [] if body == "{}" else _measure_levels(body, delimiter)
    if not lengths and text != "{}":
        _refuse(text, "array")
    pairs = BOUND_PAIR.findall(bounds[1]) if bounds else ()
    if bounds and lengths != [int(last) - int(first) + 1 for first, last in pairs]:
        _refuse(text, "array")


class _ArrayShape:
    """How many items the nested arrays of a text have; True for a mark that fits."""

    def __init__(self) -> None:
        self.lengths: dict[int, int] = {}  # by level
        self._counts: list[int] = []  # of the arrays that are open, so far
        self._depth = 0  # where values stand; 0 before the first
        self._needs_item = True

    @property
    def is_complete(self) -> bool:
        """Whether the outermost array is closed."""
        return bool(self.lengths) and not self._counts

    def open_array(self) -> bool:
        fits = self._needs_item and len(self._counts) < (self._depth or MAX_DIMENSIONS)
        self._counts.append(0)
        return fits

    def close_array(self) -> bool:
        if self._needs_item or not self._counts:
            return False
        length = self._counts.pop()
        self._end_item()
        return self.lengths.setdefault(len(self._counts), length) == length

    def separate_items(self) -> bool:
        fits = bool(self._counts) and not self._needs_item
        self._needs_item = True
        return fits

    def add_value(self) -> bool:
        level = len(self._counts)
        fits = self._needs_item and level > 0 and self._depth in {0, level}
        self._depth = level
        self._end_item()
        return fits

    def _end_item(self) -> None:
        self._needs_item = False
        if self._counts:
            self._counts[-1] += 1


def _measure_levels(body: str, delimiter: str) -> list[int]:
    """Return how many items the arrays of each level have; none for what is no array."""
    shape, end = _ArrayShape(), 0
    actions: dict[str, Callable[[], bool]] = {
        "{": shape.open_array,
        "}": shape.close_array,
        delimiter: shape.separate_items,
    }
    for mark in _compile_marks(delimiter).finditer(body):
        if mark.start() != end or not actions.get(mark[0], shape.add_value)():
            return []
        end = mark.end()
    if end != len(body) or not shape.is_complete:
        return []
    return [length for _, length in sorted(shape.lengths.items())]


@cache
def _compile_marks(delimiter: str) -> re.Pattern[str]:
    """Compile the marks of an array's text: braces, separators and values."""
    separator = re.escape(delimiter)
    quoted = r'"(?:[^"\\]|\\.)*+"'
    plain = rf'[^{{}}"\\ \t\n\r\v\f{separator}]++'
    return re.compile(rf"[{{}}]|{separator}|{quoted}|{plain}", re.DOTALL)


def _refuse(text: str, kind: str) -> NoReturn:
    raise psycopg.DataError(f"{text[:40]!r} is no {kind}")
