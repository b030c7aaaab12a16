"""Tool: read the setup of one optimization and the state of its model."""

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qsl

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
    "versions",
    "notes",
    "audit_entries",
]
# Details that come in pages: their path, and what they are.
PAGED_DETAILS = {
    "training_runs": ("/models/{model_id}/training-runs", "training runs"),
    "versions": ("/models/{model_id}/versions", "policy versions"),
    "notes": ("/optimizations/{id}/notes", "notes"),
    "audit_entries": ("/audit?target_id={id}", "audit entries"),
}
NEXT_AFTER_PAGE = {
    "training_runs": "train_model starts a run, or cancels the one under way.",
    "versions": "explain_decision says why a user got a variant under one of them.",
    "notes": "update_optimization writes a note on a day.",
    "audit_entries": "overview (show: audit_entries) has those of everything else.",
}
SUMMARY_FIELDS = (
    *("id", "name", "status", "model_id", "model_type", "model_status"),
    *("policy_version", "variants_count", "reward_metric", "holdout_percentage"),
    *("assignment_source_id", "retrain_every_minutes", "allocation"),
    *("exploration_share", "expected_users", "allowed_origins"),
    *("reward_conversion_window", "created_at", "updated_at", "went_live_at"),
)
NEXT_STEP_BY_STATUS = {
    "draft": "change_status to live when it is ready (it needs a reward metric).",
    "live": "get_results shows the lift so far; train_model trains now.",
    "paused": "change_status to live resumes it.",
    "shipped": "change_status to live undoes it; to completed ends it permanently.",
    "completed": "get_results keeps its results; change_status to archived hides it.",
    "archived": "change_status to unarchived undoes it; delete removes it.",
}


class GetInput(OptimizationInput):
    """Which part of an optimization to read."""

    detail: Detail = Field(
        "summary",
        description="variants: numbers, levels, enabled. model_state, contexts, "
        "coefficients: what was learned. policy: probability of each variant by context. "
        "versions: what each policy version served. notes: on days, shown by charts. "
        "audit_entries: who changed what (admins).",
    )
    cursor: Cursor = None


def get_optimization(api: Api, arguments: GetInput) -> Json:
    """Return the requested part of an optimization; a list comes in pages."""
    optimization = api.get(arguments.path)
    if arguments.detail == "summary":
        return _build_summary(optimization)
    header = {name: optimization[name] for name in ("id", "name", "status")}
    if arguments.detail in PAGED_DETAILS:
        return _fetch_page(api, arguments, optimization, header)
    facts, rows = DETAIL_READERS[arguments.detail](api, arguments.path, optimization)
    document = {
        "summary": f"{optimization['name']!r}: {len(rows)} rows of {arguments.detail} "
        "in all.",
        "optimization": header | facts,
        "next": "detail: summary shows the whole optimization in short.",
    }
    return response_size.paginate_rows(document, "items", rows, arguments.cursor)


def _build_summary(optimization: Json) -> Json:
    config = optimization["training_data_config"]
    level_counts = {
        kind: {factor["name"]: len(factor["levels"]) for factor in config[kind]}
        for kind in ("design_factors", "context_factors")
    }
    derived = {
        "reward": config["reward"]["name"],
        "attribution": config["attribution"],
        "guardrails_count": len(optimization["guardrail_metrics"]),
        "excluded_count": len(optimization["excluded_combinations"]),
        "levels_by_factor": level_counts,
    }
    return {
        "summary": f"{optimization['name']!r} is {optimization['status']}; its model is "
        f"{optimization['model_status']}, policy version "
        f"{optimization['policy_version']}.",
        "optimization": {name: optimization[name] for name in SUMMARY_FIELDS} | derived,
        "next": NEXT_STEP_BY_STATUS[optimization["status"]],
    }


def _fetch_page(
    api: Api, arguments: GetInput, optimization: Json, header: Json
) -> Json:
    key = arguments.detail
    template, name = PAGED_DETAILS[key]
    path, _, query = template.format(**optimization).partition("?")
    filters = dict(parse_qsl(query))

    def fetch_page(limit: int) -> Json:
        return api.get(path, limit=limit, cursor=arguments.cursor, **filters)

    def build_answer(page: Json) -> Json:
        rows, next_cursor = page[key], page["next_cursor"]
        return {
            "summary": f"{response_size.describe_page(rows, name, next_cursor)}.",
            "optimization": header,
            "items": rows,
            "next_cursor": next_cursor,
            "next": NEXT_AFTER_PAGE[key],
        }

    return response_size.fetch_fitting_page(fetch_page, build_answer, 10, key)


# Facts beside the optimization's name, and the rows of a detail.
DetailRows = tuple[Json, list[Any]]


def _list_factor_levels(_api: Api, _path: str, optimization: Json) -> DetailRows:
    config = optimization["training_data_config"]
    return {}, [
        {"kind": kind, "factor": factor["name"], "dtype": factor["dtype"], **level}
        for kind in ("design", "context")
        for factor in config[f"{kind}_factors"]
        for level in factor["levels"]
    ]


def _list_variants(api: Api, path: str, _optimization: Json) -> DetailRows:
    rows = api.get(f"{path}/variants")["variants"]
    return {}, [response_size.drop_field(row, "variant_key") for row in rows]


def _make_state_reader(name: str) -> Callable[[Api, str, Json], DetailRows]:
    def read_state(api: Api, _path: str, optimization: Json) -> DetailRows:
        state = api.get(f"/models/{optimization['model_id']}/state")
        facts = {
            field: state[field]
            for field in (
                *("model_id", "policy_version", "trained_at"),
                *("health", "as_of", "unavailable"),
            )
        }
        return facts | {"model_status": state["status"]}, state[name]

    return read_state


def _list_contexts(api: Api, path: str, optimization: Json) -> DetailRows:
    facts, rows = _make_state_reader("contexts")(api, path, optimization)
    return facts, [response_size.drop_field(row, "variants") for row in rows]


def _read_policy(api: Api, _path: str, optimization: Json) -> DetailRows:
    policy = api.get(f"/models/{optimization['model_id']}/policy")
    facts = {name: policy[name] for name in ("version", "holdout", "draw")}
    return facts, policy["contexts"]


DETAIL_READERS: dict[str, Callable[[Api, str, Json], DetailRows]] = {
    "factors": _list_factor_levels,
    "exclusions": lambda _api, _path, optimization: (
        {},
        optimization["excluded_combinations"],
    ),
    "guardrails": lambda _api, _path, optimization: (
        {},
        optimization["guardrail_metrics"],
    ),
    "variants": _list_variants,
    "model_state": _make_state_reader("variants"),
    "contexts": _list_contexts,
    "coefficients": _make_state_reader("coefficients"),
    "policy": _read_policy,
}

TOOL = Tool(
    name="get_optimization",
    title="Read an optimization and its model",
    description="How one optimization is set up and what its model has learned: a "
    "summary, or one detail in pages. For lift and rates use get_results.",
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
