"""Tool: one optimization as it is set up, and the state of its model."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from levered_site.mcp import response_size
from levered_site.mcp.arguments import Cursor, OptimizationInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Tool

Detail = Literal[
    "summary",
    "factors",
    "exclusions",
    "guardrails",
    "variants",
    "model_state",
    "contexts",
    "coefficients",
    "policy",
    "training_runs",
]
SUMMARY_FIELDS = (
    *("id", "name", "status", "model_id", "model_type", "model_status"),
    *("policy_version", "variants_count", "reward_metric", "holdout_percentage"),
    *("assignment_source_id", "retrain_every_minutes", "allocation"),
    *("exploration_share", "expected_users", "allowed_origins"),
    *("reward_conversion_window", "created_at", "updated_at", "went_live_at"),
)
NEXT_STEP_BY_STATUS = {
    "draft": "change_status to live when it is ready (it needs a reward metric).",
    "live": "get_results tells how it goes; train_model learns now.",
    "paused": "change_status to live resumes it.",
    "shipped": "change_status to live undoes it, to completed ends it.",
    "completed": "get_results keeps its results; change_status to archived hides it.",
    "archived": "delete removes it.",
}


class GetInput(OptimizationInput):
    """Which part of it to read."""

    detail: Detail = Field(
        "summary",
        description="variants: numbers, levels, enabled. model_state, contexts, "
        "coefficients: what was learned. policy: probability of each variant by context.",
    )
    cursor: Cursor = None


def get_optimization(api: Api, given: GetInput) -> Json:
    """Read the part that is asked for, a page of it where it is a list."""
    whole = api.get(given.path)
    named = {"id": whole["id"], "name": whole["name"], "status": whole["status"]}
    if given.detail == "summary":
        return _build_summary(whole)
    if given.detail == "training_runs":
        return _list_training_runs(api, given, whole, named)
    found, rows = DETAIL_READERS[given.detail](api, given.path, whole)
    about = {
        "summary": f"{len(rows)} {given.detail} of {whole['name']!r} in all.",
        "optimization": named | found,
        "next": "detail: summary puts it into context.",
    }
    return response_size.paginate_rows(about, "items", rows, given.cursor)


def _build_summary(whole: Json) -> Json:
    config = whole["training_data_config"]
    counted = {
        kind: {factor["name"]: len(factor["levels"]) for factor in config[kind]}
        for kind in ("design_factors", "context_factors")
    }
    also = {
        "reward": config["reward"]["name"],
        "attribution": config["attribution"],
        "guardrails_count": len(whole["guardrail_metrics"]),
        "excluded_count": len(whole["excluded_combinations"]),
        "levels_by_factor": counted,
    }
    return {
        "summary": f"{whole['name']!r} is {whole['status']}; its model is "
        f"{whole['model_status']}, policy version {whole['policy_version']}.",
        "optimization": {name: whole[name] for name in SUMMARY_FIELDS} | also,
        "next": NEXT_STEP_BY_STATUS[whole["status"]],
    }


def _list_training_runs(api: Api, given: GetInput, whole: Json, named: Json) -> Json:
    path = f"/models/{whole['model_id']}/training-runs"

    def build_answer(found: Json) -> Json:
        rows = found["training_runs"]
        return {
            "summary": f"{len(rows)} training runs on this page, newest first.",
            "optimization": named,
            "items": rows,
            "next_cursor": found["next_cursor"],
            "next": "train_model starts one, or stops one that is under way.",
        }

    return response_size.fetch_fitting_page(
        lambda limit: api.get(path, limit=limit, cursor=given.cursor), build_answer, 10
    )


DetailRows = tuple[Json, list[Any]]


def _list_factor_levels(_api: Api, _path: str, whole: Json) -> DetailRows:
    config = whole["training_data_config"]
    return {}, [
        {"kind": kind, "factor": factor["name"], "dtype": factor["dtype"], **level}
        for kind in ("design", "context")
        for factor in config[f"{kind}_factors"]
        for level in factor["levels"]
    ]


def _list_variants(api: Api, path: str, _whole: Json) -> DetailRows:
    rows = api.get(f"{path}/variants")["variants"]
    return {}, [_drop_field(row, "variant_key") for row in rows]


def _make_state_reader(name: str) -> Callable[[Api, str, Json], DetailRows]:
    def read_state(api: Api, _path: str, whole: Json) -> DetailRows:
        state = api.get(f"/models/{whole['model_id']}/state")
        about = {
            each: state[each] for each in ("model_id", "policy_version", "trained_at")
        }
        return about | {"model_status": state["status"]}, state[name]

    return read_state


def _list_contexts(api: Api, path: str, whole: Json) -> DetailRows:
    about, rows = _make_state_reader("contexts")(api, path, whole)
    return about, [_drop_field(row, "variants") for row in rows]


def _read_policy(api: Api, _path: str, whole: Json) -> DetailRows:
    policy = api.get(f"/models/{whole['model_id']}/policy")
    about = {name: policy[name] for name in ("version", "holdout", "draw")}
    return about, policy["contexts"]


def _drop_field(row: Json, name: str) -> Json:
    return {each: value for each, value in row.items() if each != name}


DETAIL_READERS: dict[str, Callable[[Api, str, Json], DetailRows]] = {
    "factors": _list_factor_levels,
    "exclusions": lambda _api, _path, whole: ({}, whole["excluded_combinations"]),
    "guardrails": lambda _api, _path, whole: ({}, whole["guardrail_metrics"]),
    "variants": _list_variants,
    "model_state": _make_state_reader("variants"),
    "contexts": _list_contexts,
    "coefficients": _make_state_reader("coefficients"),
    "policy": _read_policy,
}

TOOL = Tool(
    name="get_optimization",
    title="Look at an optimization and its model",
    description="How one optimization is set up and what its model has learned: a "
    "summary, or one detail in pages. For figures of success use get_results.",
    input_model=GetInput,
    answer_fields={
        "optimization": "o",
        "items": "a: rows of the detail",
        "total": "i",
        "next_cursor": "s?",
    },
    run=get_optimization,
    is_read_only=True,
    is_idempotent=True,
)
