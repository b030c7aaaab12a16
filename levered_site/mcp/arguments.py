"""Arguments that several tools take, named as in the REST API."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from levered_site import limits
from levered_site.mcp.tool import Input

Context = dict[str, str | bool | float | None]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before.")]
Confirm = Annotated[bool, Field(description="false: only show what would change.")]
IdempotencyKey = Annotated[
    str | None,
    Field(description="Repeats with the same key run once in 24 h."),
]


class NestedInput(BaseModel):
    """Part of an argument; refuses unknown fields, as `Input` does."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OptimizationInput(Input):
    """Arguments about one optimization."""

    optimization_id: UUID

    @property
    def path(self) -> str:
        """Path of the optimization in the API."""
        return f"/optimizations/{self.optimization_id}"


class Level(NestedInput):
    """A level with an id of its own."""

    id: str
    value: str | bool | float


class Factor(NestedInput):
    """A design factor or a context factor."""

    name: str
    dtype: Literal["str", "bool", "number"] | None = None
    levels: list[str | bool | float | Level]


class Reward(NestedInput):
    """Name and type of the reward. The type must be the metric's."""

    name: str
    type: Literal["bool", "numeric", "outcomes"]


class Attribution(NestedInput):
    """Which exposure a reward counts for, and until when."""

    type: Literal["last_touch", "first_touch"] = "last_touch"
    conversion_window_hours: int = Field(
        limits.DEFAULT_CONVERSION_WINDOW_HOURS,
        ge=1,
        le=limits.MAX_CONVERSION_WINDOW_HOURS,
    )
    horizon_hours: int | None = None


class TrainingDataConfig(NestedInput):
    """What varies, what the choice may depend on, and which reward counts."""

    reward: Reward
    design_factors: list[Factor] = Field(
        description="Their first levels together are the baseline; at most 100 "
        "combinations."
    )
    context_factors: list[Factor] = Field(
        default_factory=list,
        description="What serve knows of a user (device, plan), each with its levels.",
    )
    attribution: Attribution | None = None


class OptimizationSettings(Input):
    """Settings of an optimization that may be set at creation and changed later."""

    reward_metric_id: str | None = None
    guardrail_metric_ids: list[str] | None = None
    holdout_percentage: float | None = Field(
        None,
        ge=0,
        le=limits.MAX_HOLDOUT_PERCENTAGE,
        description="Percent of users who always get the baseline; default 10.",
    )
    excluded_combinations: list[dict[str, str | bool | float]] | None = Field(
        None, description="Partial {factor: level} maps never to serve."
    )
    assignment_source_id: str | None = None
    retrain_every_minutes: int | None = Field(None, ge=5, le=10080)
    allocation: Literal["default", "thompson", "uniform"] | None = None
    exploration_share: float | None = Field(None, ge=0, le=0.2)
    public_policy: bool | None = Field(
        None, description="Needed by clients in local mode."
    )
    expected_users: int | None = None
    allowed_origins: list[str] | None = None


def drop_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without nulls, nested dictionaries included."""
    return {
        name: drop_nulls(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }
