"""Size limit of a tool's answer, and how lists keep it: in pages."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from levered_site.errors import InvalidParametersError
from levered_site.mcp.rest_api import Json

# Bytes of a whole tool result on the wire. It holds the document twice: as structured
# content, and as text for clients that read only text.
MAX_RESULT_BYTES = 8_000
ENVELOPE_BYTES = 120  # of the result around both
LONG_CURSOR = "x" * 100  # as long as a cursor of the API may be
CHUNK_LENGTH = 1_000  # characters of each part of a long text
NEXT_PAGE_STEP = "for the next page make the same call with cursor = next_cursor."


def measure_size(document: Json) -> int:
    """Return the bytes of the tool result that carries the document."""
    text = serialize_document(document)
    quoted = json.dumps(text, ensure_ascii=False)
    return len(text.encode()) + len(quoted.encode()) + ENVELOPE_BYTES


def serialize_document(document: Json) -> str:
    """Return the document as the JSON text that a tool result carries."""
    return orjson.dumps(document).decode()


def fits_in_result(document: Json) -> bool:
    """Return whether a tool may answer this document without shortening it."""
    return measure_size(document) <= MAX_RESULT_BYTES


def paginate_rows(
    document: Json, name: str, rows: Sequence[Any], cursor: str | None
) -> Json:
    """Return the document with as many rows as fit under `name`, starting at the cursor.

    Adds `total` and `next_cursor`, which is null on the last page; on other pages `next`
    says how to get the next one. Raises InvalidParametersError for a bad cursor.
    """
    start = parse_cursor(cursor, len(rows))
    low, high = start, len(rows)
    while low < high:
        middle = (low + high + 1) // 2
        if fits_in_result(_build_page(document, name, rows, start, middle)):
            low = middle
        else:
            high = middle - 1
    # A page has at least one row; `shortening` shortens a row too long for any page.
    end = max(low, min(start + 1, len(rows)))
    return _build_page(document, name, rows, start, end)


def build_empty_page(document: Json, name: str, rows: Sequence[Any]) -> Json:
    """Return the document as a page without a row; the next page starts at the first."""
    return _build_page(document, name, rows, 0, 0)


def _build_page(
    document: Json, name: str, rows: Sequence[Any], start: int, end: int
) -> Json:
    next_cursor = str(end) if end < len(rows) else None
    page = {name: list(rows[start:end]), "total": len(rows), "next_cursor": next_cursor}
    return {**document, **page, **({"next": NEXT_PAGE_STEP} if next_cursor else {})}


def split_text(text: str) -> list[str]:
    """Cut a text into parts that can be read page by page."""
    starts = range(0, len(text), CHUNK_LENGTH)
    return [text[start : start + CHUNK_LENGTH] for start in starts]


def drop_field(row: Json, name: str) -> Json:
    """Return a row without a field that would make the answer too long."""
    return {key: value for key, value in row.items() if key != name}


def parse_cursor(cursor: str | None, length: int) -> int:
    """Return the row that a cursor of `paginate_rows` starts at.

    Raises InvalidParametersError if it is no cursor of a list of this length.
    """
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and int(cursor[:9]) <= length):
        raise InvalidParametersError.for_field(
            "cursor", "must be next_cursor of the answer before, unchanged"
        )
    return int(cursor)


def describe_page(rows: Sequence[Any], name: str, next_cursor: str | None) -> str:
    """Return a sentence, without its full stop, on a page of a list by age."""
    more = "; more follow at next_cursor" if next_cursor else ""
    return f"{len(rows)} {name} on this page, newest first{more}"


def fetch_fitting_page(
    fetch_page: Callable[[int], Json],
    build_answer: Callable[[Json], Json],
    limit: int,
    key: str,
) -> Json:
    """Return the answer built from a page of the API with as many rows as fit.

    `key` names the rows of a page. Where those of `limit` do not fit, the rows that do
    are counted, and a page of so many is fetched for its cursor.
    """
    page = fetch_page(limit)
    rows = page[key]
    answer = build_answer(dict(page))
    while not fits_in_result(answer) and len(rows) > 1:
        rows = rows[: _count_fitting_rows(build_answer, page, key, len(rows) - 1)]
        answer = build_answer(fetch_page(len(rows)))
    return answer


def _count_fitting_rows(
    build_answer: Callable[[Json], Json], page: Json, key: str, most: int
) -> int:
    """Return how many first rows of a page fit beside a cursor: 1 to `most`."""
    cursor = page["next_cursor"] or LONG_CURSOR
    low, high = 1, most
    while low < high:
        middle = (low + high + 1) // 2
        part = {**page, key: page[key][:middle], "next_cursor": cursor}
        if fits_in_result(build_answer(part)):
            low = middle
        else:
            high = middle - 1
    return low
