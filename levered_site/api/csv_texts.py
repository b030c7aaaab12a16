"""Cells and lines of CSV: RFC 4180, UTF-8, and nothing that a spreadsheet computes.

A text of a cell that a spreadsheet would take for a formula gets an apostrophe before it,
as OWASP advises. Where the separator of a country is the semicolon, a spreadsheet splits
lines there, so what follows one, a tab or a line break within a text counts too. Numbers
stay as they are, negative ones included. Whoever removes one apostrophe wherever several
of them, or one, stand before such a character, has the text again.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

LINE_END = "\r\n"
LIST_SEPARATOR = ";"
NO_TEXT = '""'
MAX_KEPT_LENGTH = 200
# The characters that begin formulas, in full width too, perhaps behind spaces. At the
# beginning of a cell white space of other kinds is one more: some importers skip it.
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_NUMBER = r"-\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_FORMULA = re.compile(
    rf"(\A(?=[ ']*[{_SIGNS}\t\r\n])|[;\t\r\n](?=[ ']*[{_SIGNS}]))"
    rf"(?!{_NUMBER}(?:\Z|[;\t\r\n]))"
)
_QUOTED = re.compile(r'[",\r\n;]|\A\s|\s\Z')


def write_lines(rows: Iterable[Sequence[Any]], suffix: Sequence[Any] = ()) -> bytes:
    """Return rows as lines; each ends with the cells of `suffix`.

    A null alone in its line is an empty text: programs skip empty lines.
    """
    end = "".join(f",{write_cell(value)}" for value in suffix) + LINE_END
    lines = ((",".join(map(write_cell, row)) or NO_TEXT) + end for row in rows)
    return "".join(lines).encode("utf-8", "replace")


def write_cell(value: Any) -> str:
    """Return a value of JSON as a cell.

    Null is nothing, and an empty text `""`. A list of plain values is joined by
    semicolons, with a backslash before one that a value has. Whatever else holds values is
    JSON.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return _write_text(value) if len(value) <= MAX_KEPT_LENGTH else _protect(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return _protect(_join(value)) if value else ""


def _protect(text: str) -> str:
    """Return a text as a cell."""
    return _quote(neutralize(text))


@functools.lru_cache(maxsize=4096)
def _write_text(text: str) -> str:
    """Return a text as a cell; most stand in many rows."""
    return _protect(text)


def neutralize(text: str) -> str:
    """Return a text in which a spreadsheet finds no formula."""
    return _FORMULA.sub(r"\1'", text)


def _quote(text: str) -> str:
    if text and not _QUOTED.search(text):
        return text
    escaped = text.replace('"', '""')
    return f'"{escaped}"'


def _join(value: Any) -> str:
    """Return a list of plain values in one text, and any other container as JSON."""
    if isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value):
        return LIST_SEPARATOR.join(map(_write_item, value))
    return orjson.dumps(value).decode()


def _write_item(value: Any) -> str:
    """Return a value of a list, its semicolons and backslashes escaped."""
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace(LIST_SEPARATOR, "\\;")
    return "" if value is None else orjson.dumps(value).decode()
