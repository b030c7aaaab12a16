# ruff: noqa: S608 - the texts of the tests are their own
"""What the refusal of a query advises: the text, and the SQL in it."""

import re

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

# What is said of the SQL before it: where its meaning is another one.
NOTE = re.compile(
    r", (another hash|which|where|without|with) ?[^']*('' has no part)?,?$"
)


def refuse(sql: str, dialect: str) -> str:
    """Return the reason of a refusal; fails if the text is accepted."""
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


def read_advice(value: str, dialect: str) -> str:
    """Return what the refusal of a value in a query advises."""
    reason = refuse(f"SELECT {value} FROM t", dialect)
    return reason.partition(": write ")[2].removesuffix(".").removesuffix(" instead")


def read_remedy(call: str, dialect: str) -> str:
    """Return the code that the refusal of a call has; "" for none, or if it is accepted."""
    try:
        check.check_query(f"SELECT {call} FROM t", dialect, managed=False, schema="app")
    except RefusedError as refusal:
        found = re.search(r": write (.*) instead\.$", refusal.reason)
        return found[1] if found and "cannot be parsed" not in refusal.reason else ""
    return ""


def strip_note(advice: str) -> str:
    """Return the SQL of an advice, without what is said of it."""
    return NOTE.sub("", advice)
