"""JSON body parsing: strict, with limits of depth and values, without NUL characters."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from rest_framework.parsers import BaseParser

from levered_site.errors import (
    BadRequestError,
    FieldProblem,
    InvalidParametersError,
    PayloadTooLargeError,
)

CONTAINERS: frozenset[type[Any]] = frozenset({dict, list})
MAX_DEPTH = 64  # levels of nesting; no body of the API has more than eight
# Commas, colons and opening brackets outside of texts. A parsed value takes up to 200
# bytes, however few it has in the body: 5 MB of `[],` would take 150 MB. A batch of 500
# events has some 10,000.
MAX_MARKS = 200_000
# Of bodies that DRF validates; 500 exclusions of 20 factors are the most that is valid.
MAX_VALIDATED_MARKS = 50_000
MARKS = b",:[{"
NEITHER_MARKS_NOR_QUOTES = bytes(set(range(256)) - set(MARKS + b'"'))


class OrjsonParser(BaseParser):
    """Parse `application/json` for DRF views."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        _media_type: str | None = None,
        _parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the body's object; an empty body is an empty object.

        Raises:
            BadRequestError: not JSON, not an object, or nested too deeply.
            PayloadTooLargeError: it has too many values.
            InvalidParametersError: a string holds a NUL character.
        """
        raw = stream.read()
        if not raw.strip():
            return {}
        document = parse_object(raw, MAX_VALIDATED_MARKS)
        refuse_nul(raw, document)
        return document


def parse_object(raw: bytes, max_marks: int = MAX_MARKS) -> dict[str, Any]:
    """Parse a JSON object; reject lone surrogates, NaN and numbers beyond a double.

    Raises:
        BadRequestError: not JSON, not an object, or nested deeper than 64 levels.
        PayloadTooLargeError: it has too many values.
    """
    refuse_too_many_values(raw, max_marks)
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"The body is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequestError("The body must be a JSON object.")
    brackets = raw.count(b"{") + raw.count(b"[")
    if brackets > MAX_DEPTH:
        _refuse_depth(document, brackets)
    return document


def refuse_too_many_values(raw: bytes, max_marks: int = MAX_MARKS) -> None:
    """Raise if JSON would take much memory when parsed.

    Raises:
        PayloadTooLargeError: it has more than `max_marks` marks outside of its texts.
    """
    if len(raw) <= max_marks or sum(map(raw.count, MARKS)) <= max_marks:
        return
    if _has_more_marks(raw, max_marks):
        raise PayloadTooLargeError(
            f"The body has too many values: at most {max_marks:,} commas, colons and "
            "brackets are read. Send it in parts."
        )


def _has_more_marks(raw: bytes, limit: int) -> bool:
    """Return whether more than `limit` marks are outside of texts.

    In linear time and little memory, also where the body is no JSON. A text counts as a
    mark at least: in JSON one stands before it.
    """
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    kept = unescaped.translate(None, NEITHER_MARKS_NOR_QUOTES)
    count = position = 0
    while count <= limit:
        start = kept.find(b'"', position)
        if start < 0:
            return count + len(kept) - position > limit
        count += max(1, start - position)
        position = kept.find(b'"', start + 1) + 1
        if not position:  # the text does not end
            return count > limit
    return True


def _refuse_depth(document: dict[str, Any], brackets: int) -> None:
    """Raise if it is too deep; `brackets` counts opening ones, those in texts included."""
    level: list[Any] = [document]
    for depth in range(1, MAX_DEPTH + 1):
        brackets -= len(level)
        if depth + brackets <= MAX_DEPTH:
            return  # even if those that are left stand in one another
        level = [
            inner
            for container in level
            for inner in _list_values(container)
            if inner.__class__ in CONTAINERS  # isinstance takes twice as long
        ]
        if not level:
            return
    raise BadRequestError(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _list_values(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def refuse_nul(raw: bytes, document: dict[str, Any]) -> None:
    r"""Raise if a string holds a NUL character, which Postgres cannot store.

    JSON can write NUL only as an escape, so looking for it in `raw` first is cheap.

    Raises:
        InvalidParametersError: names the fields.
    """
    if rb"\u0000" not in raw:
        return
    problems = tuple(
        FieldProblem(path, "must not contain a NUL character")
        for path in _find_nul_paths(document, "")
    )
    if problems:
        raise InvalidParametersError(
            "The body contains a NUL character.", problems[:20]
        )


def _find_nul_paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if "\0" in value:
            yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            name = key.replace("\0", "\\u0000")
            inner_path = f"{path}.{name}" if path else name
            if "\0" in key:
                yield inner_path
            yield from _find_nul_paths(inner, inner_path)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _find_nul_paths(inner, f"{path}[{index}]")
