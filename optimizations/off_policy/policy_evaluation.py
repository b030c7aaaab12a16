"""The answer of an off-policy evaluation, and how policies are named in the API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from metrics.stats import Interval
from optimizations.results.health.health import Health

NAMED_POLICIES = ("without_context", "candidate")
NUMBERED_POLICIES = ("variant", "version")
LARGEST_NUMBER = 2**31 - 1


def _build_object_schema(kind: str, minimum: int) -> dict[str, Any]:
    number = {"type": "integer", "minimum": minimum, "maximum": LARGEST_NUMBER}
    return {
        "type": "object",
        "properties": {kind: number},
        "required": [kind],
        "additionalProperties": False,
    }


# A policy as requests name it and answers repeat it: OpenAPI.
TARGET_POLICY_SCHEMA = {
    "oneOf": [
        _build_object_schema("variant", 1),
        _build_object_schema("version", 0),
        {"type": "string", "enum": list(NAMED_POLICIES)},
    ]
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean value per user."""

    value: float
    interval: Annotated[Interval | None, "95%."]
    effective_sample_size: Annotated[
        float, "So many users, served by the policy itself, would give the same error."
    ]


@dataclass(frozen=True, slots=True)
class Estimators:
    """The same quantity by three estimators; read doubly_robust first."""

    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate


@dataclass(frozen=True, slots=True)
class EstimatedDifference:
    """Policy minus served on the same users, doubly robust."""

    value: float
    interval: Annotated[Interval | None, "95%."]


@dataclass(frozen=True, slots=True)
class LeftOutUsers:
    """Users that could not be used, by reason."""

    immature: Annotated[int, "Their horizon has not passed."]
    without_version: Annotated[int, "Logged without a policy version."]
    unknown_version: Annotated[int, "Logged with a policy version that is not there."]
    unknown_variant: Annotated[int, "Saw something that is none of the variants."]
    shipped: Annotated[int, "Came after shipping, when nothing was drawn."]
    outside_versions: Annotated[
        int, "Served under a policy version outside the requested range."
    ]
    against_policy: Annotated[
        int, "Saw a variant that the logged policy could not give them."
    ]
    without_comparison: Annotated[
        int, "Came on a day on which all usable users were held out."
    ]


@dataclass(frozen=True, slots=True)
class EvaluatedUsers:
    """The users behind the figures."""

    used: int
    deciding: Annotated[int, "Expected number of users that carry the uncertainty."]
    learned_from: Annotated[
        int, "Used users that the evaluated version may have learned from."
    ]
    left_out: LeftOutUsers


@dataclass(frozen=True, slots=True)
class PolicyEvaluation:
    """What the policy would have earned beside what was served, on the same users."""

    optimization_id: UUID
    policy: Annotated[str | dict[str, int], TARGET_POLICY_SCHEMA]
    from_version: int
    to_version: int | None
    estimators: Estimators | None
    served: Estimators | None
    difference: EstimatedDifference | None
    unavailable: dict[str, str]
    metric_id: UUID
    as_of: datetime | None
    health: Health
    users: EvaluatedUsers
