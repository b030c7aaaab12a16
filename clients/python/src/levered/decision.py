"""What is asked for and what is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

Variant = dict[str, Any]
Context = Mapping[str, object]
Source = Literal["remote", "local", "stored", "fallback"]

LONGEST_ID = 256


class How(TypedDict, total=False):
    """How to decide.

    `record` False decides without counting. `user_agent` is that of the visitor: the
    service counts no crawlers.
    """

    record: bool
    user_agent: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A variant with what is known about it.

    `source` says who decided: the service (`remote`), this process (`local`, `stored` if
    it decided for the user before), or nobody (`fallback`, with the `error`).
    """

    optimization_id: str
    anonymous_id: str
    variant: Variant
    source: Source
    variant_number: int | None = None
    policy_version: int | None = None
    propensity: float | None = None
    in_holdout: bool | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A user to decide for. `user_agent` is that of the visitor, if it is known."""

    optimization_id: str
    anonymous_id: str
    context: Context
    record: bool = True
    user_agent: str = ""


def build_ask(
    optimization_id: object,
    anonymous_id: object,
    context: Context | None,
    *,
    record: bool = True,
    user_agent: str = "",
) -> Ask:
    """Check the arguments of a call. Raise ValueError for an id that is none."""
    name = str(optimization_id).lower()
    if not optimization_id or not name:
        raise ValueError("optimization_id must not be empty")
    if not isinstance(anonymous_id, str) or not 0 < len(anonymous_id) <= LONGEST_ID:
        raise ValueError(f"anonymous_id must be a text of 1 to {LONGEST_ID} characters")
    return Ask(name, anonymous_id, context or {}, record, user_agent)
