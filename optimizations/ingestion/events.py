"""The shape of events sent in: one read at a time, refused with the field that is wrong. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import orjson

MOST_EVENTS = 500
LONGEST_ID = 256
LONGEST_NAME = 200
LONGEST_KEY = 255
LARGEST_PROPERTIES = 16 * 1024
# The sum of squares over a billion users still fits a double.
LARGEST_VALUE = 1e15
AHEAD, BACK = timedelta(days=1), timedelta(days=400)


class Refusal(ValueError):  # noqa: N818 - the domain's word; it becomes a Rejection
    """One event is not acceptable: `field` of it, and what would be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Exposure:
    """A user saw a variant. `variant` and `context` are as sent, not yet judged."""

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


def exposure(event: object, now: datetime) -> Exposure:
    """Read one exposure; raises Refusal. Unknown fields are ignored."""
    sent = _object(event, "event")
    return Exposure(
        anonymous_id=_text(sent, "anonymous_id", LONGEST_ID),
        optimization_id=_uuid(sent.get("optimization_id")),
        variant=_object(sent.get("variant"), "variant"),
        context=_object(_given(sent, "context", {}), "context"),
        timestamp=_timestamp(sent, now),
        policy_version=_optional(sent, "policy_version", _version),
        key=_optional(sent, "idempotency_key", _key),
    )


def reward(event: object, now: datetime) -> Reward:
    """Read one reward; raises Refusal. Unknown fields are ignored."""
    sent = _object(event, "event")
    return Reward(
        anonymous_id=_text(sent, "anonymous_id", LONGEST_ID),
        optimization_id=_optional(sent, "optimization_id", _uuid),
        name=_text(sent, "name", LONGEST_NAME),
        value=_value(_given(sent, "value", 1.0)),
        timestamp=_timestamp(sent, now),
        properties=_optional(sent, "properties", _properties),
        key=_optional(sent, "idempotency_key", _key),
    )


def check_text(value: str, field: str) -> str:
    """Refuse what no database stores as text: NUL and lone surrogates."""
    if "\0" in value:
        raise Refusal(field, "must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Refusal(field, "must not contain a lone surrogate") from error
    return value


def _given(sent: Json, field: str, default: object) -> object:
    value = sent.get(field)
    return default if value is None else value


def _optional(sent: Json, field: str, read: Callable[[object], T]) -> T | None:
    value = sent.get(field)
    return None if value is None else read(value)


def _object(value: object, field: str) -> Json:
    if not isinstance(value, dict):
        raise Refusal(field, "must be an object")
    return value


def _text(sent: Json, field: str, longest: int) -> str:
    value = sent.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Refusal(field, f"must be a string of 1 to {longest} characters")
    return check_text(value, field)


def _key(value: object) -> str:
    return _text({"idempotency_key": value}, "idempotency_key", LONGEST_KEY)


def _uuid(value: object) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) else UUID("")
    except ValueError as error:
        raise Refusal("optimization_id", "must be a UUID") from error


def _version(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Refusal("policy_version", "must be an integer from 0")
    return value


def _value(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal("value", "must be a number")
    if not math.isfinite(value) or abs(value) > LARGEST_VALUE:
        raise Refusal("value", f"must lie within ±{LARGEST_VALUE:.0e}")
    return float(value)


def _timestamp(sent: Json, now: datetime) -> datetime:
    value = sent.get("timestamp")
    if value is None:
        return now
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refusal("timestamp", "must be an ISO 8601 date and time with offset")
    if not now - BACK <= moment <= now + AHEAD:
        raise Refusal("timestamp", "must be at most a day ahead and 400 days back")
    return moment.astimezone(UTC)


def _properties(value: object) -> str:
    _object(value, "properties")
    try:
        text = orjson.dumps(value)
    except TypeError as error:  # nested too deeply, or a lone surrogate
        raise Refusal("properties", "cannot be stored as JSON") from error
    if len(text) > LARGEST_PROPERTIES:
        raise Refusal("properties", f"must not be over {LARGEST_PROPERTIES} bytes")
    if rb"\u0000" in text and _holds_nul(value):
        raise Refusal("properties", "must not contain a NUL character")
    return text.decode()


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_nul(inner) for inner in value)
