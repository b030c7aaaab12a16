"""What an agent should do after a refusal: which call first, whom to ask, when again."""

from levered_site.mcp.rest_api import Json
from levered_site.organizations.actors import Caller

# What to look up for an id or a name that a field got wrong.
LOOKUP_HINTS = {
    "optimization_id": "overview lists the optimizations",
    "metric": "explore_warehouse (look: metrics) lists the metrics",
    "column_mapping": "map columns that the SQL returns; explore_warehouse (look: query) "
    "shows them",
    "sql": "explore_warehouse (look: tables, then columns) shows what a query may read",
    "assignment_source_id": "explore_warehouse (look: sources) lists the sources",
    "cursor": "leave cursor out to begin with the first page",
    "model_id": "get_optimization names the model",
}
NEXT_STEP_BY_CODE = {
    "not_found": "check the id: overview lists your organization's optimizations, "
    "explore_warehouse (look: metrics) its metrics; ids of other organizations are not "
    "found either.",
    "unauthorized": "sign in again: the token has run out or does not hold.",
    "conflict": "the message says what the present state allows; get_optimization shows "
    "that state.",
    "precondition_failed": "read it again, then repeat.",
    "payload_too_large": "send less at once.",
    "warehouse_error": "this is the warehouse's own message: mend the SQL or the "
    "connection (explore_warehouse, look: test).",
    "internal_error": "try once more; if it stays, tell your operator the request_id.",
}


def suggest_next_step(error: Json, tool: str, caller: Caller) -> str:
    """Advise on an error in the contract's words."""
    code = error["code"]
    if code == "forbidden" and caller.is_admin:
        return "check the ids: what is not your organization's is refused; overview lists it."
    if code == "forbidden":
        return (
            f"you are {caller.user_id}, {caller.role} of {caller.organization_id}: ask an "
            "admin of the organization to do this, or to give you the role."
        )
    if code in {"rate_limited", "unavailable"}:
        return "wait as the message says, then repeat the same call."
    if code in {"invalid_parameters", "bad_request"}:
        return _suggest_field_fixes(error, tool)
    return NEXT_STEP_BY_CODE.get(code, f"correct the call of {tool} and repeat it.")


def _suggest_field_fixes(error: Json, tool: str) -> str:
    fields = [detail["field"] for detail in error.get("details", ())]
    found = [
        words
        for name, words in LOOKUP_HINTS.items()
        if any(name in each for each in fields)
    ]
    ways = f" ({'; '.join(found)})" if found else ""
    return f"correct these and call {tool} again{ways}."
