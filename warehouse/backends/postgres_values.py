"""Values of a Postgres as it prints them, for people to read.

psycopg's own types cannot hold all of them: an infinite time, a year before Christ or
after 9999, 24:00, a month in an interval. Floats would lose digits of exact numbers.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.bool import BoolLoader
from psycopg.types.datetime import TimestampLoader, TimestamptzLoader
from psycopg.types.numeric import IntLoader
from psycopg.types.string import TextLoader

from warehouse.backends import postgres_lists

RECORD_TYPES = frozenset({2249, 2287})  # record and record[]
PRINTED_TYPES = (
    *("numeric", "interval", "bytea", "uuid", "inet", "cidr"),
    *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
    *("int4multirange", "int8multirange", "nummultirange", "datemultirange"),
    *("tsmultirange", "tstzmultirange"),
)

INTEGER_LIMITS = {
    "int2": (-(2**15), 2**15 - 1),
    "int4": (-(2**31), 2**31 - 1),
    "int8": (-(2**63), 2**63 - 1),
    "oid": (0, 2**32 - 1),
}

# What a Postgres prints under DateStyle ISO: no other text is a time. No zone is 16 hours
# away from UTC.
DATE = r"(?P<year>\d{4,7})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])"
CLOCK = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
ZONE = r"[+-](0\d|1[0-5])(:[0-5]\d){0,2}"
ERA, INFINITE = "(?P<era> BC)?", "-?infinity"
DATE_PATTERN = re.compile(f"{DATE}{ERA}|{INFINITE}", re.ASCII)
TIME_PATTERN = re.compile(f"{CLOCK}|24:00:00", re.ASCII)
TIMETZ_PATTERN = re.compile(f"({CLOCK}|24:00:00){ZONE}", re.ASCII)
TIMESTAMP_PATTERN = re.compile(f"{DATE} {CLOCK}{ERA}|{INFINITE}", re.ASCII)
TIMESTAMPTZ_PATTERN = re.compile(f"{DATE} {CLOCK}{ZONE}{ERA}|{INFINITE}", re.ASCII)
GREGORIAN_CYCLE = 400  # years after which leap days repeat


def _require_printed(pattern: re.Pattern[str], data: Buffer) -> str:
    """Return printed text. Raises DataError where no Postgres prints it."""
    text = bytes(data).decode()
    match = pattern.fullmatch(text)
    if match is None or not _has_calendar_day(match.groupdict()):
        raise psycopg.DataError(f"{text[:40]!r} is no time")
    return text


def _has_calendar_day(parts: Mapping[str, str | None]) -> bool:
    """Return whether the calendar has the day of a text; True for a text without one."""
    if not parts.get("year"):
        return True
    year, month, day = (int(parts[name] or 0) for name in ("year", "month", "day"))
    if not year:
        return False
    astronomical = 1 - year if parts["era"] else year
    days = monthrange(GREGORIAN_CYCLE + astronomical % GREGORIAN_CYCLE, month)[1]
    return day <= days


class CheckedBoolLoader(BoolLoader):
    """Load a boolean, of which psycopg takes all that is not `t` for false."""

    def load(self, data: Buffer) -> bool:
        """Return it. Raises DataError for another text than `t` and `f`."""
        if bytes(data) not in {b"t", b"f"}:
            raise psycopg.DataError(f"{bytes(data)!r} is no boolean")
        return super().load(data)


class CheckedIntLoader(IntLoader):
    """Load an integer, whose range psycopg does not check."""

    limits = INTEGER_LIMITS["int8"]

    def load(self, data: Buffer) -> int:
        """Return it. Raises DataError where its type does not hold it."""
        value = super().load(data)
        low, high = self.limits
        if not low <= value <= high:
            raise psycopg.DataError(f"{bytes(data)[:40]!r} is out of its type's range")
        return value


class PrintedDateLoader(TextLoader):
    """Load a date as text."""

    def load(self, data: Buffer) -> str:
        """Return the printed text."""
        return _require_printed(DATE_PATTERN, data)


class PrintedTimeLoader(TextLoader):
    """Load a time of day as text."""

    def load(self, data: Buffer) -> str:
        """Return the printed text."""
        return _require_printed(TIME_PATTERN, data)


class PrintedTimetzLoader(TextLoader):
    """Load a time of day with its zone as text."""

    def load(self, data: Buffer) -> str:
        """Return the printed text."""
        return _require_printed(TIMETZ_PATTERN, data)


class PrintedTimestampLoader(TimestampLoader):
    """Load a time without zone; as text where Python has no such time."""

    def load(self, data: Buffer) -> Any:
        """Return a datetime or the printed text."""
        text = _require_printed(TIMESTAMP_PATTERN, data)
        try:
            return super().load(data)
        except psycopg.DataError:
            return text


class PrintedTimestamptzLoader(TimestamptzLoader):
    """Load a time with its zone; as text where Python has no such time."""

    def load(self, data: Buffer) -> Any:
        """Return a datetime or the printed text."""
        text = _require_printed(TIMESTAMPTZ_PATTERN, data)
        try:
            return super().load(data)
        except psycopg.DataError:
            return text


def count_list_items(cursor: psycopg.Cursor[Any]) -> int:
    """Return how many items the arrays and records of an executed statement have.

    A bound from above, read from their text: `{t,t}` becomes objects only when the rows
    are fetched.
    """
    result = cursor.pgresult
    columns = [
        place
        for place, column in enumerate(cursor.description or ())
        if _is_list(cursor, column.type_code)
    ]
    if result is None or not columns:
        return 0
    values = (
        result.get_value(row, place)
        for row in range(result.ntuples)
        for place in columns
    )
    return sum(bytes(value).count(b",") + 1 for value in values if value)


def _is_list(cursor: psycopg.Cursor[Any], type_code: int) -> bool:
    if type_code in RECORD_TYPES:
        return True
    known = cursor.adapters.types.get(type_code)
    # An unknown type, as one of the customer's own, may be an array.
    return known is None or known.array_oid == type_code


def print_values(cursor: psycopg.Cursor[Any] | psycopg.ServerCursor[Any]) -> None:
    """Make a cursor return such values as text. Call it before `execute`.

    It also refuses booleans, integers, times, arrays and records that no Postgres prints,
    one by one in Python: for the few rows that people read.
    """
    adapters = cursor.adapters
    for name, limits in INTEGER_LIMITS.items():
        loader = type("CheckedIntLoader", (CheckedIntLoader,), {"limits": limits})
        adapters.register_loader(name, loader)
    for name in PRINTED_TYPES:
        adapters.register_loader(name, TextLoader)
    for name, checked_loader in CHECKED_LOADERS.items():
        adapters.register_loader(name, checked_loader)
    for info in adapters.types:
        if info.array_oid:
            array_loader = postgres_lists.make_array_loader(info.oid, info.delimiter)
            adapters.register_loader(info.array_oid, array_loader)


CHECKED_LOADERS: Mapping[str, type[Loader]] = {
    "bool": CheckedBoolLoader,
    "date": PrintedDateLoader,
    "time": PrintedTimeLoader,
    "timetz": PrintedTimetzLoader,
    "timestamp": PrintedTimestampLoader,
    "timestamptz": PrintedTimestamptzLoader,
    "record": postgres_lists.CheckedRecordLoader,
}
