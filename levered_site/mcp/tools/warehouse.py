"""Tool: look into the warehouse, and at what is defined in it."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from levered_site.errors import InvalidParametersError
from levered_site.mcp import response_size
from levered_site.mcp.arguments import Cursor
from levered_site.mcp.rest_api import Api, Json, quote_segment
from levered_site.mcp.tool import Input, Tool

Look = Literal[
    "connection", "test", "tables", "columns", "query", "metrics", "sources", "preview"
]
NEXT_STEP = "define_metric with try_only tries a metric on what is there."
DEFINITION_PATHS = {
    "metrics": "/warehouse/metrics",
    "sources": "/warehouse/assignment-sources",
}
LIST_KEYS = {"metrics": "metrics", "sources": "assignment_sources"}


class ExploreInput(Input):
    """What to look at."""

    look: Look = Field(
        description="metrics, sources: list them, or with id read one. preview: rows of "
        "and warnings about a saved metric or source (of + id)."
    )
    table: str | None = Field(None, description="For columns.")
    sql: str | None = Field(
        None,
        description="For query: one SELECT. Managed: managed_dw.exposures and "
        "managed_dw.rewards.",
    )
    of: Literal["metrics", "sources"] = "metrics"
    id: str | None = None
    limit: int = Field(20, ge=1, le=1000, description="Rows of a query or preview.")
    cursor: Cursor = None


def explore_warehouse(api: Api, given: ExploreInput) -> Json:
    """Look."""
    return LOOK_HANDLERS[given.look](api, given)


def _show_connection(api: Api, _given: ExploreInput) -> Json:
    found = api.get("/warehouse/connections")["connection"]
    provider = found["provider"] if found else "managed"
    return {
        "summary": f"The organization is on the {provider} warehouse.",
        "facts": {"connection": found, "provider": provider},
        "next": "look: test reaches it; look: tables lists what a query may read.",
    }


def _test_connection(api: Api, _given: ExploreInput) -> Json:
    found = api.post("/warehouse/connections/test")
    said = "The warehouse answers" if found["success"] else "It cannot be reached"
    return {"summary": f"{said}.", "facts": found, "next": "look: tables lists it."}


def _list_tables(api: Api, given: ExploreInput) -> Json:
    return _build_rows_answer(
        given, api.get("/warehouse/tables")["tables"], "tables", {}
    )


def _list_columns(api: Api, given: ExploreInput) -> Json:
    table = _require_argument(given.table, "table", "look: tables names them")
    found = api.get(f"/warehouse/tables/{quote_segment(table)}/columns")["columns"]
    return _build_rows_answer(given, found, f"columns of {table}", {})


def _run_query(api: Api, given: ExploreInput) -> Json:
    sql = _require_argument(given.sql, "sql", "one SELECT")
    return _build_table_answer(
        given, api.post("/warehouse/query", {"sql": sql, "limit": given.limit})
    )


def _preview_definition(api: Api, given: ExploreInput) -> Json:
    path = f"{DEFINITION_PATHS[given.of]}/{quote_segment(_require_id(given))}/preview"
    return _build_table_answer(given, api.post(path, {"limit": given.limit}))


def _list_definitions(api: Api, given: ExploreInput) -> Json:
    path, name = DEFINITION_PATHS[given.look], LIST_KEYS[given.look]
    if given.id is not None:
        whole = api.get(f"{path}/{quote_segment(given.id)}")
        parts = response_size.split_text(whole.pop("sql"))
        about = {
            "summary": f"{whole['name']!r}; its SQL in parts of the text.",
            "facts": whole,
            "next": "look: preview shows its rows; define_metric with this id changes it.",
        }
        return response_size.paginate_rows(about, "items", parts, given.cursor)

    def build_answer(found: Json) -> Json:
        rows = [{**row, "sql": row["sql"][:200]} for row in found[name]]
        return {
            "summary": f"{len(rows)} {given.look} on this page, newest first; SQL to its "
            "200th character.",
            "items": rows,
            "next_cursor": found["next_cursor"],
            "next": "the same with id reads one whole."
            if rows
            else "none yet: define_metric.",
        }

    limit = min(given.limit, 100)
    return response_size.fetch_fitting_page(
        lambda rows: api.get(path, limit=rows, cursor=given.cursor), build_answer, limit
    )


def _build_table_answer(given: ExploreInput, found: Json) -> Json:
    rows = found.pop("rows")
    said = f"{found['row_count']} rows"
    if found.get("warnings"):
        said += f"; warnings: {' '.join(found['warnings'])}"
    return _build_rows_answer(given, rows, said, found, counted=False)


def _build_rows_answer(
    given: ExploreInput,
    rows: list[Any],
    said: str,
    facts: Json,
    *,
    counted: bool = True,
) -> Json:
    summary = f"{len(rows)} {said}." if counted else f"{said}."
    about = {"summary": summary, "facts": facts, "next": NEXT_STEP}
    return response_size.paginate_rows(about, "items", rows, given.cursor)


def _require_argument(value: str | None, name: str, hint: str) -> str:
    if value is None:
        raise InvalidParametersError.for_field(name, f"is required here: {hint}")
    return value


def _require_id(given: ExploreInput) -> str:
    return _require_argument(given.id, "id", f"of one of the {given.of}")


LOOK_HANDLERS: dict[str, Callable[[Api, ExploreInput], Json]] = {
    "connection": _show_connection,
    "test": _test_connection,
    "tables": _list_tables,
    "columns": _list_columns,
    "query": _run_query,
    "preview": _preview_definition,
    "metrics": _list_definitions,
    "sources": _list_definitions,
}


TOOL = Tool(
    name="explore_warehouse",
    title="Look into the warehouse",
    description="Read the connection, test it, list tables and columns, run one "
    "read-only SELECT, list or read metrics and assignment sources, preview their rows. "
    "To try a metric before saving it use define_metric with try_only.",
    input_model=ExploreInput,
    answer_fields={"facts": "o", "items": "a", "total": "i", "next_cursor": "s?"},
    run=explore_warehouse,
    is_read_only=True,
    is_idempotent=True,
)
