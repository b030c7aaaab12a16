"""Tool: create an optimization, as a draft by default."""

from typing import Literal

from pydantic import Field

from levered_site.mcp import confirmation
from levered_site.mcp.arguments import (
    Confirm,
    IdempotencyKey,
    OptimizationSettings,
    TrainingDataConfig,
    drop_nulls,
)
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Tool


class CreateInput(OptimizationSettings):
    """Body of the API's create endpoint, with `status` draft by default."""

    name: str
    training_data_config: TrainingDataConfig
    model_type: Literal["cmab", "mab"] = Field(
        "cmab", description="mab: without context factors."
    )
    status: Literal["draft", "live"] = Field(
        "draft", description="live serves at once; needs reward_metric_id and confirm."
    )
    idempotency_key: IdempotencyKey = None
    confirm: Confirm = False


def create_optimization(api: Api, arguments: CreateInput) -> Json:
    """Create an optimization; one that goes live at once needs a confirm."""
    body = drop_nulls(arguments.dump_sent("idempotency_key", "confirm")) | {
        "status": arguments.status
    }

    def post_optimization(key: str | None = None) -> Json:
        return api.post("/optimizations", body, idempotency_key=key)

    if arguments.status == "live" and not arguments.confirm:
        optimization = confirmation.run_and_roll_back(api, post_optimization)
        would = (
            f"create {optimization['name']!r} with {optimization['variants_count']} "
            "variants, live at once: factors and levels are fixed from then on."
        )
        return confirmation.ask_to_confirm(would, status=[None, "live"])
    optimization = post_optimization(arguments.idempotency_key)
    return {
        "summary": f"Created {optimization['name']!r}, {optimization['status']}, with "
        f"{optimization['variants_count']} variants.",
        "done": True,
        "optimization": {
            name: optimization[name]
            for name in ("id", "name", "status", "model_id", "variants_count")
        },
        "next": _suggest_next_step(optimization),
    }


def _suggest_next_step(optimization: Json) -> str:
    if optimization["status"] == "live":
        return "serve_variant (a dry run) shows what users get; send_events sends data."
    if optimization["reward_metric_id"] is None:
        return (
            "define_metric, then update_optimization with its reward_metric_id: it is "
            "needed to go live."
        )
    return "change_status to live, with confirm: true, when it may serve users."


TOOL = Tool(
    name="create_optimization",
    title="Create an optimization",
    description="Create a search for the best variant: what may vary (design_factors), "
    "what it may depend on (context_factors), and the metric that counts "
    "(reward_metric_id, from define_metric). A draft unless status is live.",
    input_model=CreateInput,
    answer_fields={"done": "b", "optimization": "o", "changes": "o"},
    run=create_optimization,
)
