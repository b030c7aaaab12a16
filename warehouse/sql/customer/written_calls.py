"""Calls as a query's author wrote them: their arguments, and what stands behind them.

What sqlglot makes of a call has another order, other names, or fewer arguments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

OPENING, CLOSING, QUOTES = "([{", ")]}", "'\"`"
BOUND_START_DATE = re.compile(r"CAST\((\$\d|\?) AS TIMESTAMPTZ\)|@source_start_date\b")
TAIL = re.compile(
    r"\s*(WITHIN\s+GROUP\s*(?=\()|FILTER\s*(?=\()|(IGNORE|RESPECT)\s+NULLS\b"
    r"|OVER\s*(?=\()|OVER\s+\w+|(?=\[))",
    re.IGNORECASE,
)
# Quotes and comments that end elsewhere than a plain quote: such a call is not read.
OTHER_QUOTES = re.compile(r"\$\w*\$|\\['\"`]|--|/\*")
# A call that is longer is not read again.
LONGEST = 4000


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call's name, its arguments, and what belongs to it behind its brackets."""

    name: str
    arguments: tuple[str, ...]
    tail: str = ""


def read_call(text: str) -> WrittenCall | None:
    """Return the call that a text begins with; None if it is none, or has no end."""
    text = text[:LONGEST]
    head = re.match(r"[\w.]+\s*(?=\()", text)
    end = find_closing(text, head.end()) if head else None
    if not head or end is None:
        return None
    inner = text[head.end() + 1 : end].strip()
    if OTHER_QUOTES.search(inner):
        return None
    arguments = tuple(split_list(inner)) if inner else ()
    return WrittenCall(head[0].strip(), arguments, _read_tail(text[end + 1 :]))


def find_closing(text: str, opening: int) -> int | None:
    """Return where the bracket at a position is closed."""
    for position, depth in _walk(text, opening):
        if depth == 0:
            return position
    return None


def split_list(text: str) -> Iterator[str]:
    """Yield the parts of a text between the commas outside of brackets and quotes."""
    begin = 0
    for position, depth in _walk(text, 0):
        if depth == 0 and text[position] == ",":
            yield _tidy(text[begin:position])
            begin = position + 1
    yield _tidy(text[begin:])


def strip_inner(text: str) -> str:
    """Return a text without what is in its brackets and quotes."""
    return "".join(
        text[position]
        for position, depth in _walk(text, 0)
        if depth == 0 and text[position] not in CLOSING
    )


def _walk(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield each position outside of quotes, with the depth of brackets behind it."""
    position, depth = start, 0
    while position < len(text):
        character = text[position]
        if character in QUOTES:
            end = text.find(character, position + 1)
            position = len(text) if end < 0 else end + 1
            continue
        depth += (character in OPENING) - (character in CLOSING)
        yield position, depth
        position += 1


def _read_tail(text: str) -> str:
    """Return the clauses behind a call: WITHIN GROUP, FILTER, OVER, an element …."""
    parts = []
    while match := TAIL.match(text):
        end = match.end()
        if text[end : end + 1] in ("(", "["):
            closing = find_closing(text, end)
            if closing is None:
                break
            end = closing + 1
        parts.append(_tidy(text[match.start() : end]))
        text = text[end:]
    return " ".join(parts)


def _tidy(text: str) -> str:
    """Return a text on one line, with the start date as its author wrote it."""
    return BOUND_START_DATE.sub("@start_date", text.strip())
