"""Read events that a web page sends with a publishable key, as the key allows. Pure.

`events` reads their fields, so that the rules are those of a backend's events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from levered_site.errors import InvalidItemError
from levered_site.near_names import suggest_name
from levered_site.organizations.actors import RewardBounds
from optimizations.ingestion import events

REWARD_FIELDS = ("name", "value", "timestamp", "idempotency_key")
EXPOSURE_FIELDS = (
    *("optimization_id", "policy_version", "context", "timestamp", "idempotency_key"),
)
MAX_VARIANT_NUMBER = 2**15

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrackedReward:
    """A reward that the key allows. `event` is what ingestion takes."""

    event: Json


@dataclass(frozen=True, slots=True)
class TrackedExposure:
    """An exposure. `event` is what ingestion takes, but for the variant."""

    event: Json
    optimization_id: UUID
    variant_number: int


def check_anonymous_id(anonymous_id: object, now: datetime) -> None:
    """Raise InvalidItemError unless ingestion takes the id."""
    events.read_reward({"anonymous_id": anonymous_id, "name": "any"}, now)


def read_tracked_event(
    event: object,
    anonymous_id: object,
    bounds: Mapping[str, RewardBounds],
    now: datetime,
) -> TrackedReward | TrackedExposure:
    """Read one event of a user. Unknown fields are ignored.

    `bounds` are the rewards of the key by name. Raises InvalidItemError.
    """
    if not isinstance(event, dict):
        raise InvalidItemError("event", "must be an object")
    if event.get("type") == "reward":
        return _read_reward(event, anonymous_id, bounds, now)
    if event.get("type") == "exposure":
        return _read_exposure(event, anonymous_id, now)
    raise InvalidItemError("type", "must be reward or exposure")


def _read_reward(
    event: Json,
    anonymous_id: object,
    bounds: Mapping[str, RewardBounds],
    now: datetime,
) -> TrackedReward:
    fields = _select_fields(event, REWARD_FIELDS, anonymous_id)
    reward = events.read_reward(fields, now)
    allowed = bounds.get(reward.name)
    if allowed is None:
        names = ", ".join(bounds) or "none"
        guess = suggest_name(reward.name, bounds)
        message = f"must be a reward of this key: {names}{guess}"
        raise InvalidItemError("name", message)
    if not allowed.low <= reward.value <= allowed.high:
        raise InvalidItemError(
            "value",
            f"must be within {allowed.low:g} and {allowed.high:g} with this key",
        )
    return TrackedReward(fields)


def _read_exposure(event: Json, anonymous_id: object, now: datetime) -> TrackedExposure:
    fields = _select_fields(event, EXPOSURE_FIELDS, anonymous_id)
    exposure = events.read_exposure({**fields, "variant": {}}, now)
    if exposure.policy_version is None:
        raise InvalidItemError("policy_version", "must be an integer of at least 0")
    number = _read_variant_number(event.get("variant_number"))
    return TrackedExposure(fields, exposure.optimization_id, number)


def _read_variant_number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidItemError("variant_number", "must be an integer")
    if not 1 <= value < MAX_VARIANT_NUMBER:
        raise InvalidItemError("variant_number", "must be the number of a variant")
    return value


def _select_fields(event: Json, names: tuple[str, ...], anonymous_id: object) -> Json:
    fields = {name: event[name] for name in names if name in event}
    return {"anonymous_id": anonymous_id, **fields}
