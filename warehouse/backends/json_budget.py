"""Limits on JSON values: of items, as 3 bytes of text may become 100, and of levels."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import psycopg

ITEM_BYTES = 32  # one item for so many bytes that an answer may have
ITEM_MARKS = ("[", "{", ",")
MAX_LEVELS = 100
LEVEL_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')
TOO_DEEP = (
    f"A JSON value of the result has more than {MAX_LEVELS} levels: select its parts."
)


class TooManyItemsError(Exception):
    """The JSON values of one answer have too many items."""


class TooDeepError(Exception):
    """A JSON value is nested too deeply to be read and written here."""


@dataclass(slots=True)
class JsonBudget:
    """A reader of JSON that counts the items of everything that it has read."""

    items_left: int = 0

    def start(self, max_bytes: int) -> None:
        """Start counting the items of an answer of at most `max_bytes`."""
        self.items_left = max_bytes // ITEM_BYTES

    def loads(self, data: str | bytes) -> Any:
        """Return the value of a JSON text.

        A number that a float holds with fewer digits stays text. Raises
        TooManyItemsError or TooDeepError before it is built, and DataError for a number
        that no float holds, as 1e999, which Python reads as an infinity.
        """
        text = data.decode() if isinstance(data, bytes) else data
        self.spend(sum(text.count(mark) for mark in ITEM_MARKS))
        if text.count("[") + text.count("{") > MAX_LEVELS:
            _require_few_levels(text)
        return json.loads(text, parse_constant=_refuse_number, parse_float=_read_float)

    def spend(self, items: int) -> None:
        """Count items. Raises TooManyItemsError beyond the budget."""
        self.items_left -= items
        if self.items_left < 0:
            raise TooManyItemsError


_current: ContextVar[JsonBudget | None] = ContextVar("json_budget", default=None)


@contextmanager
def limit_items(max_items: int) -> Iterator[None]:
    """Let `read_json` read at most so many items inside `with`, in this thread."""
    token = _current.set(JsonBudget(max_items))
    try:
        yield
    finally:
        _current.reset(token)


def read_json(data: str | bytes) -> Any:
    """Return the value of a JSON text within the thread's budget.

    For psycopg, which keeps the first of all functions with the same code: a method of one
    budget would go on counting for every later connection of the process. Raises
    TooManyItemsError or TooDeepError.
    """
    budget = _current.get()
    return json.loads(data) if budget is None else budget.loads(data)


def spend_items(items: int) -> None:
    """Count items of other values, as of arrays, within the thread's budget.

    Raises TooManyItemsError.
    """
    budget = _current.get()
    if budget is not None:
        budget.spend(items)


def _read_float(text: str) -> float | str:
    """Return a number with a point or an exponent; its text where a float loses digits.

    Zeros at the end are no digits: 1.10 is 1.1, so that all prices are numbers.
    """
    number = float(text)
    if math.isinf(number):
        _refuse_number(text)
    printed = repr(number)
    return number if printed == text or _is_equal(printed, text) else text


def _is_equal(printed: str, text: str) -> bool:
    try:
        return Decimal(printed) == Decimal(text)
    except InvalidOperation:  # an exponent beyond those of decimals
        return False


def _refuse_number(text: str) -> NoReturn:
    raise psycopg.DataError(f"The JSON number {text[:40]} is beyond what a float holds")


def _require_few_levels(text: str) -> None:
    level = 0
    for mark in LEVEL_MARKS.finditer(text):
        if mark[0] in "[{":
            level += 1
        elif mark[0] in "]}":
            level -= 1
        if level > MAX_LEVELS:
            raise TooDeepError
