"""Tool: read the warehouse, and the metrics and sources defined on it."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from levered_site.errors import InvalidParametersError
from levered_site.mcp import named_ids, response_size
from levered_site.mcp.arguments import Cursor
from levered_site.mcp.rest_api import Api, Json, quote_segment
from levered_site.mcp.tool import Input, Tool

Look = Literal[
    "connection", "test", "tables", "columns", "query", "metrics", "sources", "preview"
]
NEXT_STEP = "define_metric with try_only tries a metric on these data."
DEFINITIONS = {"metrics": named_ids.METRICS, "sources": named_ids.SOURCES}


class ExploreInput(Input):
    """What to read."""

    look: Look = Field(
        description="metrics, sources: list them, or with id read one. preview: rows of "
        "a saved metric or source (of + id), and warnings."
    )
    table: str | None = Field(
        None, description="For columns. For tables: a part of the name."
    )
    sql: str | None = Field(
        None,
        description="For query: one SELECT. Managed: managed_dw.exposures and "
        "managed_dw.rewards.",
    )
    of: Literal["metrics", "sources"] = "metrics"
    id: str | None = None
    limit: int = Field(20, ge=1, le=1000, description="Rows of a query or preview.")
    cursor: Cursor = None


def explore_warehouse(api: Api, arguments: ExploreInput) -> Json:
    """Return what `look` names."""
    return LOOK_HANDLERS[arguments.look](api, arguments)


def _show_connection(api: Api, _arguments: ExploreInput) -> Json:
    connection = api.get("/warehouse/connections")["connection"]
    provider = connection["provider"]
    return {
        "summary": f"The organization uses the {provider} warehouse.",
        "facts": {"connection": connection, "provider": provider},
        "next": "look: test tests it; look: tables lists what a query may read.",
    }


def _test_connection(api: Api, _arguments: ExploreInput) -> Json:
    result = api.post("/warehouse/connections/test")
    return {
        "summary": "The warehouse answered."
        if result["success"]
        else "The warehouse cannot be reached.",
        "facts": result,
        "next": "look: tables lists its tables.",
    }


def _list_tables(api: Api, arguments: ExploreInput) -> Json:
    found = api.get("/warehouse/tables", search=arguments.table)
    tables, more = found["tables"], found["truncated"]
    summary = f"{len(tables)} tables" + (", and there are more" if more else "")
    return _build_rows_answer(arguments, summary, tables, {})


def _list_columns(api: Api, arguments: ExploreInput) -> Json:
    table = _require_argument(arguments.table, "table", "look: tables lists the names")
    columns = api.get(f"/warehouse/tables/{quote_segment(table)}/columns")["columns"]
    summary = f"{len(columns)} columns of {table}"
    return _build_rows_answer(arguments, summary, columns, {})


def _run_query(api: Api, arguments: ExploreInput) -> Json:
    sql = _require_argument(arguments.sql, "sql", "one SELECT")
    result = api.post("/warehouse/query", {"sql": sql, "limit": arguments.limit})
    return _build_result_answer(arguments, result)


def _preview_definition(api: Api, arguments: ExploreInput) -> Json:
    definition_id = _require_argument(
        arguments.id, "id", f"the id of one of the {arguments.of}"
    )
    named = DEFINITIONS[arguments.of]
    path = f"{named.path}/{named_ids.require_id(api, named, definition_id)}/preview"
    result = api.post(path, {"limit": arguments.limit})
    return _build_result_answer(arguments, result)


def _list_definitions(api: Api, arguments: ExploreInput) -> Json:
    named = DEFINITIONS[arguments.look]
    if arguments.id is not None:
        definition_id = named_ids.require_id(api, named, arguments.id)
        return _read_definition(api, arguments, f"{named.path}/{definition_id}")

    def fetch_page(limit: int) -> Json:
        return api.get(named.path, limit=limit, cursor=arguments.cursor)

    def build_answer(page: Json) -> Json:
        rows = [{**row, "sql": row["sql"][:200]} for row in page[named.key]]
        return {
            "summary": response_size.describe_page(
                rows, arguments.look, page["next_cursor"]
            )
            + ". Of each SQL the first 200 characters.",
            "items": rows,
            "next_cursor": page["next_cursor"],
            "next": "the same call with id reads one in full."
            if rows
            else "none yet: define_metric.",
        }

    limit = min(arguments.limit, 100)
    return response_size.fetch_fitting_page(fetch_page, build_answer, limit, named.key)


def _read_definition(api: Api, arguments: ExploreInput, path: str) -> Json:
    definition = api.get(path)
    parts = response_size.split_text(definition.pop("sql"))
    document = {
        "summary": f"{definition['name']!r}; items are the parts of its SQL.",
        "facts": definition,
        "next": "look: preview shows its rows; define_metric with this id changes it.",
    }
    return response_size.paginate_rows(document, "items", parts, arguments.cursor)


def _build_result_answer(arguments: ExploreInput, result: Json) -> Json:
    """Build the answer for the result of a query or a preview."""
    rows = result.pop("rows")
    summary = f"{result['row_count']} rows"
    if result.get("warnings"):
        summary += f"; warnings: {' '.join(result['warnings'])}"
    return _build_rows_answer(arguments, summary, rows, result)


def _build_rows_answer(
    arguments: ExploreInput, summary: str, rows: list[Any], facts: Json
) -> Json:
    document = {"summary": f"{summary}.", "facts": facts, "next": NEXT_STEP}
    return response_size.paginate_rows(document, "items", rows, arguments.cursor)


def _require_argument(value: str | None, name: str, hint: str) -> str:
    if value is None:
        raise InvalidParametersError.for_field(name, f"is required here: {hint}")
    return value


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
    title="Explore the warehouse",
    description="Read the connection, test it, list tables and columns, run one "
    "read-only SELECT, list or read metrics and assignment sources, preview their rows. "
    "To try a metric before saving it use define_metric with try_only.",
    input_model=ExploreInput,
    answer_fields={"facts": "o", "items": "a", "total": "i", "next_cursor": "s?"},
    run=explore_warehouse,
    is_read_only=True,
    is_idempotent=True,
)
