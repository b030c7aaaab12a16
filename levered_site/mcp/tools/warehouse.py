"""Tool: look into the warehouse, and at what is defined in it."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from levered_site.errors import InvalidParametersError
from levered_site.mcp import sizes
from levered_site.mcp.arguments import Cursor
from levered_site.mcp.calls import Api, Json, segment
from levered_site.mcp.tool import Input, Tool

Look = Literal[
    "connection", "test", "tables", "columns", "query", "metrics", "sources", "preview"
]
NEXT = "define_metric with try_only tries a metric on what is there."
KINDS = {"metrics": "/warehouse/metrics", "sources": "/warehouse/assignment-sources"}
LISTS = {"metrics": "metrics", "sources": "assignment_sources"}


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


def explore(api: Api, given: ExploreInput) -> Json:
    """Look."""
    return LOOKS[given.look](api, given)


def _connection(api: Api, _given: ExploreInput) -> Json:
    found = api.get("/warehouse/connections")["connection"]
    provider = found["provider"] if found else "managed"
    return {
        "summary": f"The organization is on the {provider} warehouse.",
        "facts": {"connection": found, "provider": provider},
        "next": "look: test reaches it; look: tables lists what a query may read.",
    }


def _test(api: Api, _given: ExploreInput) -> Json:
    found = api.post("/warehouse/connections/test")
    said = "The warehouse answers" if found["success"] else "It cannot be reached"
    return {"summary": f"{said}.", "facts": found, "next": "look: tables lists it."}


def _tables(api: Api, given: ExploreInput) -> Json:
    return _rows(given, api.get("/warehouse/tables")["tables"], "tables", {})


def _columns(api: Api, given: ExploreInput) -> Json:
    table = _needed(given.table, "table", "look: tables names them")
    found = api.get(f"/warehouse/tables/{segment(table)}/columns")["columns"]
    return _rows(given, found, f"columns of {table}", {})


def _query(api: Api, given: ExploreInput) -> Json:
    sql = _needed(given.sql, "sql", "one SELECT")
    return _table(
        given, api.post("/warehouse/query", {"sql": sql, "limit": given.limit})
    )


def _preview(api: Api, given: ExploreInput) -> Json:
    path = f"{KINDS[given.of]}/{segment(_needed_id(given))}/preview"
    return _table(given, api.post(path, {"limit": given.limit}))


def _definitions(api: Api, given: ExploreInput) -> Json:
    path, name = KINDS[given.look], LISTS[given.look]
    if given.id is not None:
        whole = api.get(f"{path}/{segment(given.id)}")
        parts = sizes.chunks(whole.pop("sql"))
        about = {
            "summary": f"{whole['name']!r}; its SQL in parts of the text.",
            "facts": whole,
            "next": "look: preview shows its rows; define_metric with this id changes it.",
        }
        return sizes.page(about, "items", parts, given.cursor)

    def make(found: Json) -> Json:
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
    return sizes.listed(
        lambda rows: api.get(path, limit=rows, cursor=given.cursor), make, limit
    )


def _table(given: ExploreInput, found: Json) -> Json:
    rows = found.pop("rows")
    said = f"{found['row_count']} rows"
    if found.get("warnings"):
        said += f"; warnings: {' '.join(found['warnings'])}"
    return _rows(given, rows, said, found, counted=False)


def _rows(
    given: ExploreInput,
    rows: list[Any],
    said: str,
    facts: Json,
    *,
    counted: bool = True,
) -> Json:
    summary = f"{len(rows)} {said}." if counted else f"{said}."
    about = {"summary": summary, "facts": facts, "next": NEXT}
    return sizes.page(about, "items", rows, given.cursor)


def _needed(value: str | None, name: str, hint: str) -> str:
    if value is None:
        raise InvalidParametersError.of(name, f"is required here: {hint}")
    return value


def _needed_id(given: ExploreInput) -> str:
    return _needed(given.id, "id", f"of one of the {given.of}")


LOOKS: dict[str, Callable[[Api, ExploreInput], Json]] = {
    "connection": _connection,
    "test": _test,
    "tables": _tables,
    "columns": _columns,
    "query": _query,
    "preview": _preview,
    "metrics": _definitions,
    "sources": _definitions,
}


TOOL = Tool(
    name="explore_warehouse",
    title="Look into the warehouse",
    description="Read the connection, test it, list tables and columns, run one "
    "read-only SELECT, list or read metrics and assignment sources, preview their rows. "
    "To try a metric before saving it use define_metric with try_only.",
    takes=ExploreInput,
    gives={"facts": "o", "items": "a", "total": "i", "next_cursor": "s?"},
    run=explore,
    reads=True,
    repeatable=True,
)
