"""Next steps that an error suggests to an agent: which tool to call, whom to ask."""

from levered_site.mcp.rest_api import Json
from levered_site.organizations.actors import Caller

# Where to look up the right value of a field, by a part of the field's name.
LOOKUP_HINTS = {
    "optimization_id": "overview lists the optimizations",
    "metric": "explore_warehouse (look: metrics) lists the metrics",
    "column_mapping": "map columns that the SQL returns; explore_warehouse (look: query) "
    "shows them",
    "sql": "explore_warehouse (look: tables, then columns) shows what a query may read",
    "assignment_source_id": "explore_warehouse (look: sources) lists the sources",
    "cursor": "leave out cursor to start with the first page",
    "model_id": "get_optimization names the model",
}
NEXT_STEP_BY_CODE = {
    "not_found": "check the id: overview lists your organization's optimizations, "
    "explore_warehouse (look: metrics) its metrics. Ids of other organizations are not "
    "found either.",
    "unauthorized": "sign in again: the token has expired or is not valid.",
    "conflict": "the message says what the current state allows; get_optimization shows "
    "that state.",
    "precondition_failed": "read the object again, then repeat the change.",
    "payload_too_large": "send less in one call.",
    "warehouse_error": "the message comes from the warehouse: fix the SQL or the "
    "connection (explore_warehouse, look: test).",
    "internal_error": "try once more; if it fails again, give your operator the "
    "request_id.",
}


def suggest_next_step(error: Json, tool: str, caller: Caller) -> str:
    """Return the next step for an error of the API that a tool returned."""
    code = error["code"]
    if code == "forbidden" and caller.is_admin:
        return (
            "check the ids: you may not use those of another organization; overview "
            "lists yours."
        )
    if code == "forbidden":
        return (
            f"you are {caller.user_id}, {caller.role} of {caller.organization_id}: ask an "
            "admin of the organization to do this, or to make you an admin."
        )
    if code in {"rate_limited", "unavailable"}:
        return "wait as the message says, then repeat the same call."
    if code in {"invalid_parameters", "bad_request"}:
        return _suggest_field_fixes(error, tool)
    return NEXT_STEP_BY_CODE.get(code, f"correct the call of {tool} and repeat it.")


def _suggest_field_fixes(error: Json, tool: str) -> str:
    fields = [detail.get("field", "") for detail in error.get("details", ())]
    hints = [
        hint
        for name, hint in LOOKUP_HINTS.items()
        if any(name in field for field in fields)
    ]
    lookups = f" ({'; '.join(hints)})" if hints else ""
    return f"correct these and call {tool} again{lookups}."
