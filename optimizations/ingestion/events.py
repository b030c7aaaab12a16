"""Read single events from JSON; an invalid one is rejected by its field. Pure.

This is the reference for `event_columns`, which reads ordinary events faster.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import orjson

from levered_site.anonymous_ids import find_anonymous_id_problem
from levered_site.errors import InvalidItemError
from levered_site.ids import UUID_PROBLEM, is_uuid
from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH

MAX_EVENTS = 500
MAX_NAME_LENGTH = 200
MAX_PROPERTIES_BYTES = 16 * 1024
# The sum of squares over a billion users still fits a double.
MAX_ABSOLUTE_VALUE = 1e15
MAX_EVENT_LEAD, MAX_EVENT_AGE = timedelta(days=1), timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Exposure:
    """A user saw a variant. `variant` and `context` are as sent, not yet checked."""

    anonymous_id: str
    optimization_id: UUID
    variant: Mapping[str, Any]
    context: Mapping[str, Any]
    timestamp: datetime
    policy_version: int | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Reward:
    """A user did something. `properties` is JSON text."""

    anonymous_id: str
    optimization_id: UUID | None
    name: str
    value: float
    timestamp: datetime
    properties: str | None
    key: str | None


Json = Mapping[str, Any]
T = TypeVar("T")


def read_exposure(event: object, now: datetime) -> Exposure:
    """Read one exposure. Unknown fields are ignored. Raises InvalidItemError."""
    fields = _read_object(event, "event")
    return Exposure(
        anonymous_id=_read_anonymous_id(fields.get("anonymous_id")),
        optimization_id=_read_uuid(fields.get("optimization_id")),
        variant=_read_object(fields.get("variant"), "variant"),
        context=_read_object(_get_or_default(fields, "context", {}), "context"),
        timestamp=_read_timestamp(fields, now),
        policy_version=_read_optional(fields, "policy_version", _read_policy_version),
        key=_read_optional(fields, "idempotency_key", _read_key),
    )


def read_reward(event: object, now: datetime) -> Reward:
    """Read one reward. Unknown fields are ignored. Raises InvalidItemError."""
    fields = _read_object(event, "event")
    return Reward(
        anonymous_id=_read_anonymous_id(fields.get("anonymous_id")),
        optimization_id=_read_optional(fields, "optimization_id", _read_uuid),
        name=_read_text(fields, "name", MAX_NAME_LENGTH),
        value=_read_value(
            fields.get("value", 1.0)
        ),  # null is no value, but no 1 either
        timestamp=_read_timestamp(fields, now),
        properties=_read_optional(fields, "properties", read_properties),
        key=_read_optional(fields, "idempotency_key", _read_key),
    )


def check_text(value: str, field: str) -> str:
    """Return the text. Raises InvalidItemError for NUL and lone surrogates.

    No database stores them as text.
    """
    if "\0" in value:
        raise InvalidItemError(field, "must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidItemError(field, "must not contain a lone surrogate") from error
    return value


def _get_or_default(fields: Json, field: str, default: object) -> object:
    value = fields.get(field)
    return default if value is None else value


def _read_optional(fields: Json, field: str, read: Callable[[object], T]) -> T | None:
    value = fields.get(field)
    return None if value is None else read(value)


def _read_object(value: object, field: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidItemError(field, "must be an object")
    return value


def _read_anonymous_id(value: object) -> str:
    problem = find_anonymous_id_problem(value)
    if problem is not None:
        raise InvalidItemError("anonymous_id", problem)
    return str(value)


def _read_text(fields: Json, field: str, max_length: int) -> str:
    value = fields.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= max_length:
        raise InvalidItemError(
            field, f"must be a string of 1 to {max_length} characters"
        )
    return check_text(value, field)


def _read_key(value: object) -> str:
    return _read_text(
        {"idempotency_key": value}, "idempotency_key", MAX_IDEMPOTENCY_KEY_LENGTH
    )


def _read_uuid(value: object) -> UUID:
    if not isinstance(value, str) or not is_uuid(value):
        raise InvalidItemError("optimization_id", UUID_PROBLEM)
    return UUID(value)


def _read_policy_version(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise InvalidItemError("policy_version", "must be an integer of at least 0")
    return value


def _read_value(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidItemError("value", "must be a number")
    if not math.isfinite(value) or abs(value) > MAX_ABSOLUTE_VALUE:
        raise InvalidItemError("value", f"must be within ±{MAX_ABSOLUTE_VALUE:.0e}")
    return float(value)


def _read_timestamp(fields: Json, now: datetime) -> datetime:
    value = fields.get("timestamp")
    if value is None:
        return now
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidItemError(
            "timestamp", "must be an ISO 8601 date and time with an offset"
        )
    if not now - MAX_EVENT_AGE <= moment <= now + MAX_EVENT_LEAD:
        raise InvalidItemError(
            "timestamp",
            f"must be at most {MAX_EVENT_LEAD.days} day ahead "
            f"and {MAX_EVENT_AGE.days} days back",
        )
    return moment.astimezone(UTC)


def read_properties(value: object) -> str:
    """Return the properties of a reward as JSON text. Raises InvalidItemError."""
    _read_object(value, "properties")
    try:
        text = orjson.dumps(value)
    except TypeError as error:  # nested too deeply, or a lone surrogate
        raise InvalidItemError("properties", "cannot be stored as JSON") from error
    if len(text) > MAX_PROPERTIES_BYTES:
        raise InvalidItemError(
            "properties", f"must have at most {MAX_PROPERTIES_BYTES} bytes as JSON"
        )
    if rb"\u0000" in text and _contains_nul(value):
        raise InvalidItemError("properties", "must not contain a NUL character")
    return text.decode()


def _contains_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(
            _contains_nul(key) or _contains_nul(inner) for key, inner in value.items()
        )
    return isinstance(value, list) and any(_contains_nul(inner) for inner in value)
