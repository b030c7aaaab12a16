"""What is wrong with a series of numbers or times whose ends the text tells."""

import re
from collections.abc import Iterator

from sqlglot import exp

from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.refusal import RefusedError

DATE = re.compile(r"(\d{1,6})-\d{1,2}-\d{1,2}(?!\d).*", re.DOTALL)
FIRST_YEAR, LAST_YEAR = 1900, 2099
ZERO = re.compile(r"0+(\.0*)?(\s*[a-z]+)?", re.IGNORECASE)
AMOUNT = re.compile(r"(\d+)\s*([a-z]*)", re.IGNORECASE)
MAX_AMOUNT, MAX_YEARS = 999, 9


def refuse_known(node: exp.Expr, start: object, end: object, step: object) -> None:
    """Raise RefusedError at a step of nothing, or at an end that is too far away."""
    amount = step.this if isinstance(step, exp.Cast | exp.Interval) else step
    if isinstance(amount, exp.Literal) and ZERO.fullmatch(amount.name):
        raise RefusedError(
            f"The series never ends{locate(node)}: its step is 0. Write a step of 1 or"
            " more, or of an hour or more."
        )
    for text in _list_literals(start, end):
        date = DATE.fullmatch(text.name)
        if date and not FIRST_YEAR <= int(date[1]) <= LAST_YEAR:
            raise RefusedError(
                f"The series reaches too far{locate(node)}: write dates of the years"
                f" {FIRST_YEAR} to {LAST_YEAR}, not {text.name[:40]}."
            )
        if _is_large(text):
            raise RefusedError(
                f"The series reaches too far{locate(node)}: add at most {MAX_YEARS} years,"
                f" or {MAX_AMOUNT} of a smaller unit, to a time."
            )


def _list_literals(*ends: object) -> Iterator[exp.Literal]:
    for end in ends:
        if isinstance(end, exp.Expr):
            yield from end.find_all(exp.Literal)


def _is_large(text: exp.Literal) -> bool:
    """Return whether a text is an interval that may lead out of these centuries."""
    interval = text.parent
    if not isinstance(interval, exp.Interval):
        return False
    written = AMOUNT.fullmatch(text.name.strip())
    if not written:
        return False
    unit = (written[2] or str(interval.args.get("unit") or "")).lower()
    is_year = unit.removesuffix("s") == "year"
    return int(written[1]) > (MAX_YEARS if is_year else MAX_AMOUNT)
