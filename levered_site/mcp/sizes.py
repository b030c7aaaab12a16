"""How long an answer may be, and how one is made to fit: pages first, then shorter texts."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from levered_site.errors import InvalidParametersError
from levered_site.mcp.calls import Json

# Bytes of a whole tool result on the wire. It holds the answer twice: as structured
# content, and as text for clients that read nothing else.
LARGEST = 8_000
AROUND = 120  # of the result around both
TEXTS = (2_000, 600, 200, 80, 30)  # characters left of a text, step by step
CHUNK = 1_000
ROWS = (40, 10, 3)
NEXT_PAGE = "the next page: the same call with cursor = next_cursor."
MORE = "shortened: this answer was too long; ask for a detail or a page of it"


def size(document: Json) -> int:
    """Count the bytes of the result that carries the document."""
    written = text_of(document)
    quoted = json.dumps(written, ensure_ascii=False)
    return len(written.encode()) + len(quoted.encode()) + AROUND


def text_of(document: Json) -> str:
    """Write the document as clients that read text alone get it."""
    return orjson.dumps(document).decode()


def fits(document: Json) -> bool:
    """Whether an answer may be as long as this."""
    return size(document) <= LARGEST


def page(document: Json, name: str, rows: Sequence[Any], cursor: str | None) -> Json:
    """Put as many rows into the document as fit, from the cursor on.

    Adds `total` and `next_cursor`, null after the last page; while there are more,
    `next` says how to get them. Raises InvalidParametersError.
    """
    start = place(cursor, len(rows))
    low, high = start, len(rows)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_paged(document, name, rows, start, middle)):
            low = middle
        else:
            high = middle - 1
    end = max(
        low, min(start + 1, len(rows))
    )  # a row too long for any page is shortened
    return _paged(document, name, rows, start, end)


def _paged(
    document: Json, name: str, rows: Sequence[Any], start: int, end: int
) -> Json:
    following = str(end) if end < len(rows) else None
    shown = {name: list(rows[start:end]), "total": len(rows), "next_cursor": following}
    return {**document, **shown, **({"next": NEXT_PAGE} if following else {})}


def chunks(text: str) -> list[str]:
    """Cut a long text into parts, so that it can be read page by page."""
    return [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]


def place(cursor: str | None, length: int) -> int:
    """Read a cursor made here. Raises InvalidParametersError."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and int(cursor[:9]) <= length):
        raise InvalidParametersError.of(
            "cursor", "take next_cursor of the answer before, as it is"
        )
    return int(cursor)


def listed(
    ask: Callable[[int], Json], make: Callable[[Json], Json], limit: int
) -> Json:
    """Ask the API for a page and halve its limit until what is made of it fits."""
    while True:
        made = make(ask(limit))
        if fits(made) or limit == 1:
            return made
        limit //= 2


def fitted(document: Json) -> Json:
    """Return the document, its texts and then its lists shortened where it is too long."""
    for longest, rows in _steps():
        if fits(document):
            return document
        document = {
            name: _shortened(value, longest, rows) for name, value in document.items()
        } | {"note": MORE}
    return document


def _steps() -> Iterator[tuple[int, int]]:
    for longest in TEXTS:
        yield longest, 1_000
    for rows in ROWS:
        yield TEXTS[-1], rows
    yield TEXTS[-1], 0


def _shortened(value: Any, longest: int, rows: int) -> Any:
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}… ({len(value):,} characters)"
    if isinstance(value, list):
        return [_shortened(inner, longest, rows) for inner in value[:rows]]
    if isinstance(value, dict):
        kept = list(value.items())[: rows or 1]
        return {key: _shortened(inner, longest, rows) for key, inner in kept}
    return value
