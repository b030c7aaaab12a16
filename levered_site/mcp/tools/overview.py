"""Tool: the caller, their organization, and a list of its optimizations."""

from typing import Literal

from pydantic import Field

from levered_site.mcp import response_size, results_summary
from levered_site.mcp.arguments import Cursor
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Input, Tool

PATHS = {
    "optimizations": "/optimizations",
    "models": "/models",
    "api_keys": "/api-keys",
    "audit_entries": "/audit",
}
Status = Literal["draft", "live", "paused", "shipped", "completed", "archived"]


class OverviewInput(Input):
    """What to list."""

    show: Literal["optimizations", "models", "api_keys", "audit_entries"] = (
        "optimizations"
    )
    status: Status | None = None
    search: str | None = Field(None, description="Part of the name.")
    include_archived: bool = False
    order_by: Literal["updated_at", "created_at"] = "updated_at"
    limit: int = Field(10, ge=1, le=100)
    cursor: Cursor = None


def show_overview(api: Api, arguments: OverviewInput) -> Json:
    """Return one page of the list, with the caller, organization and warehouse."""
    caller = api.get("/me")
    connection = api.get("/warehouse/connections")["connection"]
    header = {
        "organization": caller["organization"],
        "you": {"user_id": caller["user_id"], "role": caller["role"]},
        "warehouse": connection["provider"],
    }
    path, filters = _build_query(arguments)
    is_sortable = arguments.show != "audit_entries"
    order = arguments.order_by if is_sortable else None

    def fetch_page(limit: int) -> Json:
        paging = {"order_by": order, "cursor": arguments.cursor}
        return api.get(path, limit=limit, **paging, **filters)

    def build_answer(page: Json) -> Json:
        rows = page[arguments.show]
        return {
            "summary": response_size.describe_page(
                rows, arguments.show, page["next_cursor"]
            )
            + f".{_describe_unhealthy(rows)}",
            **header,
            "items": [
                response_size.drop_field(row, "training_data_config") for row in rows
            ],
            "next_cursor": page["next_cursor"],
            "next": _suggest_next_step(arguments, rows),
        }

    return response_size.fetch_fitting_page(
        fetch_page, build_answer, arguments.limit, arguments.show
    )


def _describe_unhealthy(rows: list[Json]) -> str:
    """Name the optimizations whose lift must be read together with its health."""
    unhealthy = [
        f"{row['name']!r} ({summary['health']['status']})"
        for row in rows
        if (summary := row.get("summary"))
        and summary["health"]["status"] != "ok"
        and not results_summary.is_nothing_yet(summary["health"])
    ]
    if not unhealthy:
        return ""
    return f" Read summary.health before the lift of {', '.join(unhealthy)}."


def _build_query(arguments: OverviewInput) -> tuple[str, Json]:
    """Return the path of the list and its filters."""
    path = PATHS[arguments.show]
    if arguments.show != "optimizations":
        return path, {}
    return path, {
        "status": arguments.status,
        "search": arguments.search,
        "include_archived": arguments.include_archived,
    }


def _suggest_next_step(arguments: OverviewInput, rows: list[Json]) -> str:
    if arguments.show == "optimizations" and not rows and arguments.cursor is None:
        return (
            "none yet: define_metric to define success, then create_optimization. The "
            "prompt set_up_optimization explains each step."
        )
    return "get_optimization or get_results with an id shows more about one."


TOOL = Tool(
    name="overview",
    title="Overview",
    description="Start here: your role, the organization, its warehouse, and its "
    "optimizations with status and lift, one page, newest first. Also lists models, "
    "API keys (never their secrets), or who changed what (admins).",
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
