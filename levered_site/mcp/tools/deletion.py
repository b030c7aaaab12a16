"""Tool: delete, revoke, disconnect, forget a person."""

from typing import Literal

from pydantic import Field

from levered_site import limits
from levered_site.errors import ForbiddenError, InvalidParametersError
from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm
from levered_site.mcp.rest_api import Api, Json, quote_segment
from levered_site.mcp.tool import Input, Tool
from levered_site.organizations.permissions import IsAdmin

DeletableKind = Literal[
    "optimization",
    "candidate",
    "model",
    "metric",
    "assignment_source",
    "api_key",
    "warehouse_connection",
    "person",
]
DELETION_PATHS = {
    "optimization": "/optimizations/{}",
    "candidate": "/optimizations/{}/candidate",
    "model": "/models/{}",
    "metric": "/warehouse/metrics/{}",
    "assignment_source": "/warehouse/assignment-sources/{}",
    "api_key": "/api-keys/{}",
    "warehouse_connection": "/warehouse/connections",
    "person": "/warehouse/users/{}",
}
CONSEQUENCES = {
    "optimization": "for real where it never served; else out of sight, its data kept",
    "candidate": "with its tables; the live model stays as it is",
    "model": "out of sight, with what it learned",
    "metric": "for good",
    "assignment_source": "for good",
    "api_key": "revoked for good: whoever sends events with it is refused at once",
    "warehouse_connection": "credentials are forgotten, back to the managed warehouse",
    "person": "events, receipts and lock are erased for good; counts of sealed days stay",
}
NAMED_KINDS = ("optimization", "metric", "assignment_source")


class DeleteInput(Input):
    """What to delete."""

    kind: DeletableKind
    id: str = Field(
        "",
        max_length=limits.MAX_ANONYMOUS_ID_LENGTH,
        description="Its id; a candidate's optimization; a person's anonymous_id; none for warehouse_connection.",
    )
    confirm: Confirm = False


def delete_object(api: Api, given: DeleteInput) -> Json:
    """Delete; first do it in rehearsal and say what it means."""
    path = DELETION_PATHS[given.kind].format(quote_segment(given.id))
    named = f"{given.kind} {given.id}".strip()
    if not given.confirm:
        found = _predict_changes(api, given, path)
        would = f"delete {named}: {CONSEQUENCES[given.kind]}."
        return confirmation.ask_to_confirm(would, **found)
    found = api.delete(path)
    return {
        "summary": f"Deleted {named}: {CONSEQUENCES[given.kind]}.",
        "done": True,
        "changes": found,
        "next": "overview shows what is left.",
    }


def _predict_changes(api: Api, given: DeleteInput, path: str) -> Json:
    """Do it and take it back; a person goes in many transactions, and is not tried."""
    if given.kind != "person":
        shown = api.get(path) if given.kind in NAMED_KINDS else {}
        found: Json = (
            confirmation.run_and_roll_back(api, lambda: api.delete(path)) or {}
        )
        told = ("name", "status")
        return {name: [shown[name], None] for name in told if name in shown} | found
    if not api.caller.is_admin:
        raise ForbiddenError(IsAdmin.message)
    if not given.id:
        raise InvalidParametersError.for_field("id", "is required here")
    return {}


TOOL = Tool(
    name="delete",
    title="Delete, revoke, disconnect, erase",
    description="Delete an optimization, model, metric or assignment source; revoke an "
    "API key; disconnect the warehouse; erase a person. Admins only, and only with "
    "confirm: true; without it answers what would go.",
    input_model=DeleteInput,
    answer_fields={"done": "b", "changes": "o"},
    run=delete_object,
    is_destructive=True,
    is_idempotent=True,
)
