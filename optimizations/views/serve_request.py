"""Read the body of a serve request: one reading for Django's view and the ASGI front."""

import re
from collections.abc import Mapping
from typing import Any

from levered_site import anonymous_ids
from levered_site.api import parsers
from levered_site.errors import InvalidParametersError
from optimizations.serving.service import ServeRequest

UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read_serve_request(
    raw: bytes, optimization_id: str | None, origin: str | None
) -> ServeRequest:
    """Validate the fields of the API in a body, and ignore unknown ones.

    `optimization_id` is that of the path; None where the body names it.

    Raises BadRequestError if the body is not a JSON object, and InvalidParametersError,
    which names the field, if a value has the wrong type.
    """
    body = parsers.parse_object(raw)
    return ServeRequest(
        optimization_id=optimization_id or _read_optimization_id(body),
        anonymous_id=read_anonymous_id(body),
        context=read_object(body, "context"),
        is_recorded=read_flag(body, "record", default=True)
        and not read_flag(body, "dry_run", default=False),
        origin=origin,
    )


def read_anonymous_id(body: Mapping[str, Any]) -> str:
    """Read the user's id. Raises InvalidParametersError."""
    value = body.get("anonymous_id")
    problem = anonymous_ids.find_anonymous_id_problem(value)
    if problem is not None:
        raise InvalidParametersError.for_field("anonymous_id", problem)
    return str(value)


def read_object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Read an optional object. Raises InvalidParametersError."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidParametersError.for_field(name, "must be an object")
    return value


def read_flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Read an optional `true` or `false`. Raises InvalidParametersError."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidParametersError.for_field(name, "must be true or false")
    return value


def _read_optimization_id(body: Mapping[str, Any]) -> str:
    value = body.get("optimization_id")
    if not isinstance(value, str) or not UUID_PATTERN.fullmatch(value):
        raise InvalidParametersError.for_field("optimization_id", "must be a UUID")
    return value.lower()
