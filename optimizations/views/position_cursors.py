"""Cursors of lists that are read from stored counts: a kind and a position in the list."""

import base64
import binascii
from datetime import date
from typing import Any

import orjson
from rest_framework.request import Request

from levered_site.api import pagination
from levered_site.errors import InvalidParametersError
from optimizations.results.readings.outcome_mix import MixKey

CELL, MIX = "cell", "mix"
MAX_POSITION = 10**9


def encode_cell_cursor(start: int) -> str:
    """Return the cursor of the page of cells that starts at place `start`."""
    return _encode([CELL, start])


def read_cell_cursor(request: Request) -> int:
    """Return the place of the page's first cell; 0 without a cursor.

    Raises InvalidParametersError if `encode_cell_cursor` did not make it.
    """
    position = _read_position(request, CELL, [int])
    return position[0] if position else 0


def encode_mix_cursor(key: MixKey) -> str:
    """Return the cursor of the page of the outcome mix that follows this key."""
    return _encode([MIX, key.day.isoformat(), *key[1:]])


def read_mix_cursor(request: Request) -> MixKey | None:
    """Return the key of the last row of the page before; None without a cursor.

    Raises InvalidParametersError if `encode_mix_cursor` did not make it.
    """
    position = _read_position(request, MIX, [str, bool, int, str, int])
    if position is None:
        return None
    try:
        return MixKey(date.fromisoformat(position[0]), *position[1:])
    except ValueError as error:
        raise _build_error() from error


def _encode(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def _read_position(request: Request, kind: str, types: list[type]) -> list[Any] | None:
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise _build_error() from error
    if not isinstance(values, list) or values[:1] != [kind]:
        raise _build_error()
    if [type(value) for value in values[1:]] != types or not _are_in_range(values):
        raise _build_error()
    return values[1:]


def _are_in_range(values: list[Any]) -> bool:
    return all(0 <= value < MAX_POSITION for value in values if isinstance(value, int))


def _build_error() -> InvalidParametersError:
    return InvalidParametersError.for_field("cursor", pagination.BAD_CURSOR)
