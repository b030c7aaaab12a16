"""Reading bodies: JSON that a careful client would send, and nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from rest_framework.parsers import BaseParser

from levered_site.errors import BadRequestError, FieldProblem, InvalidParametersError

MAX_DEPTH = 64  # levels of nesting; nothing in the contract has more than eight


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
            BadRequestError: not JSON, not an object, nested too deeply.
            InvalidParametersError: a text holds a NUL character.
        """
        raw = stream.read()
        if not raw.strip():
            return {}
        document = parse_object(raw)
        refuse_nul(raw, document)
        return document


def parse_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object. Lone surrogates, NaN and numbers beyond a double are refused.

    Raises:
        BadRequestError: not JSON, not an object, nested deeper than 64 levels.
    """
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"The body is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequestError("The body must be a JSON object.")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _refuse_depth(document)
    return document


def _refuse_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for container in level
            for inner in (
                container.values() if isinstance(container, dict) else container
            )
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise BadRequestError(f"The body is nested deeper than {MAX_DEPTH} levels.")


def refuse_nul(raw: bytes, document: dict[str, Any]) -> None:
    r"""Refuse texts with a NUL character, which the database cannot hold.

    JSON can only write it as an escape, so its absence from `raw` settles it cheaply.

    Raises:
        InvalidParametersError: naming the fields.
    """
    if rb"\u0000" not in raw:
        return
    problems = tuple(
        FieldProblem(path, "must not contain a NUL character")
        for path in _find_nul_paths(document, "")
    )
    if problems:
        raise InvalidParametersError("A text contains a NUL character.", problems[:20])


def _find_nul_paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if "\0" in value:
            yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            name = key.replace("\0", "\\u0000")
            place = f"{path}.{name}" if path else name
            if "\0" in key:
                yield place
            yield from _find_nul_paths(inner, place)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _find_nul_paths(inner, f"{path}[{index}]")
