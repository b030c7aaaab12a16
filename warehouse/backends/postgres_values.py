"""Values of a Postgres as it prints them, for people to read.

psycopg's own types cannot hold all of them: an infinite time, a year before Christ or
after 9999, 24:00, a month in an interval. Floats would lose digits of exact numbers.
"""

from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestampLoader, TimestamptzLoader
from psycopg.types.string import TextLoader

PRINTED_TYPES = (
    *("numeric", "date", "time", "timetz", "interval", "bytea", "uuid", "inet", "cidr"),
    *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
    *("int4multirange", "int8multirange", "nummultirange", "datemultirange"),
    *("tsmultirange", "tstzmultirange"),
)


class PrintedTimestampLoader(TimestampLoader):
    """Load a time without zone; as text where Python has no such time."""

    def load(self, data: Buffer) -> Any:
        """Return a datetime or the printed text."""
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class PrintedTimestamptzLoader(TimestamptzLoader):
    """Load a time with its zone; as text where Python has no such time."""

    def load(self, data: Buffer) -> Any:
        """Return a datetime or the printed text."""
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


def print_values(cursor: psycopg.Cursor[Any] | psycopg.ServerCursor[Any]) -> None:
    """Make a cursor return such values as text. Call it before `execute`."""
    for name in PRINTED_TYPES:
        cursor.adapters.register_loader(name, TextLoader)
    cursor.adapters.register_loader("timestamp", PrintedTimestampLoader)
    cursor.adapters.register_loader("timestamptz", PrintedTimestamptzLoader)
