"""Tool: who am I, what is there, what next."""

from typing import Literal

from pydantic import Field

from levered_site.mcp import response_size
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Input, Tool

Status = Literal["draft", "live", "paused", "shipped", "completed", "archived"]


class OverviewInput(Input):
    """What to list."""

    show: Literal["optimizations", "models", "api_keys"] = "optimizations"
    status: Status | None = None
    search: str | None = Field(None, description="Part of the name.")
    include_archived: bool = False
    order_by: Literal["updated_at", "created_at"] = "updated_at"
    limit: int = Field(10, ge=1, le=100)
    cursor: str | None = Field(None, description="next_cursor of the page before.")


def show_overview(api: Api, given: OverviewInput) -> Json:
    """List one page, with who asks and which warehouse they are on."""
    who = api.get("/me")
    connection = api.get("/warehouse/connections")["connection"] or {}
    place = {
        "organization": who["organization"],
        "you": {"user_id": who["user_id"], "role": who["role"]},
        "warehouse": connection.get("provider", "managed"),
    }
    path, filters = _build_query(given)

    def fetch_page(limit: int) -> Json:
        pages = {"order_by": given.order_by, "cursor": given.cursor}
        return api.get(path, limit=limit, **pages, **filters)

    def build_answer(found: Json) -> Json:
        rows = found[given.show]
        return {
            "summary": f"{len(rows)} {given.show} on this page, newest first.",
            **place,
            "items": [_drop_config(row) for row in rows],
            "next_cursor": found["next_cursor"],
            "next": _suggest_next_step(given, rows),
        }

    return response_size.fetch_fitting_page(fetch_page, build_answer, given.limit)


def _build_query(given: OverviewInput) -> tuple[str, Json]:
    if given.show != "optimizations":
        return ("/models" if given.show == "models" else "/api-keys"), {}
    filters = {"status": given.status, "search": given.search}
    return "/optimizations", filters | {"include_archived": given.include_archived}


def _drop_config(row: Json) -> Json:
    return {
        name: value for name, value in row.items() if name != "training_data_config"
    }


def _suggest_next_step(given: OverviewInput, rows: list[Json]) -> str:
    if given.show == "optimizations" and not rows and given.cursor is None:
        return (
            "None yet: define_metric says what success is, then create_optimization. "
            "The prompt set_up_optimization leads through it."
        )
    return "get_optimization or get_results with an id tells more of one."


TOOL = Tool(
    name="overview",
    title="Overview",
    description="Start here: who you are (role), the organization, its warehouse, and its "
    "optimizations with status and lift, one page, newest first. Also lists models or "
    "API keys (never their secrets).",
    input_model=OverviewInput,
    answer_fields={
        "organization": "o",
        "you": "o: user_id, role",
        "warehouse": "s",
        "items": "a",
        "next_cursor": "s?",
    },
    run=show_overview,
    is_read_only=True,
    is_idempotent=True,
)
