"""Read decisions that clients made by themselves from JSON. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from levered_site import anonymous_ids
from levered_site.errors import InvalidItemError

MAX_DECISIONS = 500
MAX_LEAD = timedelta(minutes=5)  # of a client's clock
MAX_VERSION = 2**31 - 1
MAX_REDRAW = 2**15 - 1
MAX_VARIANT = 2**15 - 1


@dataclass(frozen=True, slots=True)
class EdgeDecision:
    """What a client decided. `context` is as sent; `in_holdout` is None if not sent."""

    anonymous_id: str
    variant_number: int
    policy_version: int
    context: Mapping[str, Any]
    decided_at: datetime
    in_holdout: bool | None
    redraw: int


def read_decision(item: object, now: datetime, earliest: datetime) -> EdgeDecision:
    """Read one decision. Unknown fields are ignored.

    Its timestamp must be between `earliest` and `now` + MAX_LEAD. Raises
    InvalidItemError.
    """
    if not isinstance(item, dict):
        raise InvalidItemError("decision", "must be an object")
    return EdgeDecision(
        anonymous_id=_read_anonymous_id(item.get("anonymous_id")),
        variant_number=_read_integer(item, "variant_number", 1, MAX_VARIANT),
        policy_version=_read_integer(item, "policy_version", 0, MAX_VERSION),
        context=_read_context(item.get("context")),
        decided_at=_read_timestamp(item.get("timestamp"), now, earliest),
        in_holdout=_read_in_holdout(item.get("in_holdout")),
        redraw=_read_integer(item, "redraw", 0, MAX_REDRAW, default=0),
    )


def _read_anonymous_id(value: object) -> str:
    problem = anonymous_ids.find_anonymous_id_problem(value)
    if problem is not None:
        raise InvalidItemError("anonymous_id", problem)
    return str(value)


def _read_integer(
    item: Mapping[str, Any],
    name: str,
    lowest: int,
    highest: int,
    *,
    default: int | None = None,
) -> int:
    value = item.get(name)
    if value is None and default is not None:
        return default
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, int) and is_integer and lowest <= value <= highest:
        return value
    raise InvalidItemError(name, f"must be an integer from {lowest} to {highest}")


def _read_context(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidItemError("context", "must be an object")
    return value


def _read_in_holdout(value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InvalidItemError("in_holdout", "must be true or false")
    return value


def _read_timestamp(value: object, now: datetime, earliest: datetime) -> datetime:
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
    if not earliest <= moment <= now + MAX_LEAD:
        raise InvalidItemError(
            "timestamp",
            f"must be from {earliest.isoformat(timespec='seconds')} to "
            f"{MAX_LEAD.seconds // 60} minutes ahead",
        )
    return moment.astimezone(UTC)
