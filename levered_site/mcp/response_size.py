"""How long an answer may be, and how one is made to fit: pages first, then shorter texts."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from levered_site.errors import InvalidParametersError
from levered_site.mcp.rest_api import Json

# Bytes of a whole tool result on the wire. It holds the answer twice: as structured
# content, and as text for clients that read nothing else.
MAX_RESULT_BYTES = 8_000
ENVELOPE_BYTES = 120  # of the result around both
TEXT_LENGTHS = (2_000, 600, 200, 80, 30)  # characters left of a text, step by step
CHUNK_LENGTH = 1_000
ROW_LIMITS = (40, 10, 3)
NEXT_PAGE_STEP = "the next page: the same call with cursor = next_cursor."
SHORTENED_NOTE = "shortened: this answer was too long; ask for a detail or a page of it"


def measure_size(document: Json) -> int:
    """Count the bytes of the result that carries the document."""
    written = serialize_document(document)
    quoted = json.dumps(written, ensure_ascii=False)
    return len(written.encode()) + len(quoted.encode()) + ENVELOPE_BYTES


def serialize_document(document: Json) -> str:
    """Write the document as clients that read text alone get it."""
    return orjson.dumps(document).decode()


def fits_in_result(document: Json) -> bool:
    """Whether an answer may be as long as this."""
    return measure_size(document) <= MAX_RESULT_BYTES


def paginate_rows(
    document: Json, name: str, rows: Sequence[Any], cursor: str | None
) -> Json:
    """Put as many rows into the document as fit, from the cursor on.

    Adds `total` and `next_cursor`, null after the last page; while there are more,
    `next` says how to get them. Raises InvalidParametersError.
    """
    start = parse_cursor(cursor, len(rows))
    low, high = start, len(rows)
    while low < high:
        middle = (low + high + 1) // 2
        if fits_in_result(_build_page(document, name, rows, start, middle)):
            low = middle
        else:
            high = middle - 1
    end = max(
        low, min(start + 1, len(rows))
    )  # a row too long for any page is shortened
    return _build_page(document, name, rows, start, end)


def _build_page(
    document: Json, name: str, rows: Sequence[Any], start: int, end: int
) -> Json:
    following = str(end) if end < len(rows) else None
    shown = {name: list(rows[start:end]), "total": len(rows), "next_cursor": following}
    return {**document, **shown, **({"next": NEXT_PAGE_STEP} if following else {})}


def split_text(text: str) -> list[str]:
    """Cut a long text into parts, so that it can be read page by page."""
    return [text[at : at + CHUNK_LENGTH] for at in range(0, len(text), CHUNK_LENGTH)]


def parse_cursor(cursor: str | None, length: int) -> int:
    """Read a cursor made here. Raises InvalidParametersError."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and int(cursor[:9]) <= length):
        raise InvalidParametersError.for_field(
            "cursor", "take next_cursor of the answer before, as it is"
        )
    return int(cursor)


def fetch_fitting_page(
    ask: Callable[[int], Json], make: Callable[[Json], Json], limit: int
) -> Json:
    """Ask the API for a page and halve its limit until what is made of it fits."""
    while True:
        made = make(ask(limit))
        if fits_in_result(made) or limit == 1:
            return made
        limit //= 2


def shorten_to_fit(document: Json) -> Json:
    """Return the document, its texts and then its lists shortened where it is too long."""
    for longest, rows in _list_shortening_steps():
        if fits_in_result(document):
            return document
        document = {
            name: _shorten_value(value, longest, rows)
            for name, value in document.items()
        } | {"note": SHORTENED_NOTE}
    return document


def _list_shortening_steps() -> Iterator[tuple[int, int]]:
    for longest in TEXT_LENGTHS:
        yield longest, 1_000
    for rows in ROW_LIMITS:
        yield TEXT_LENGTHS[-1], rows
    yield TEXT_LENGTHS[-1], 0


def _shorten_value(value: Any, longest: int, rows: int) -> Any:
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}… ({len(value):,} characters)"
    if isinstance(value, list):
        return [_shorten_value(inner, longest, rows) for inner in value[:rows]]
    if isinstance(value, dict):
        kept = list(value.items())[: rows or 1]
        return {key: _shorten_value(inner, longest, rows) for key, inner in kept}
    return value
