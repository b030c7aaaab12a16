"""Tool: delete an object, revoke a key, disconnect the warehouse, erase a person."""

from typing import Literal

from pydantic import Field

from levered_site import limits
from levered_site.errors import ForbiddenError, InvalidParametersError
from levered_site.mcp import confirmation, named_ids
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
    "optimization": "if it never served, its data are deleted; otherwise it is hidden "
    "and its data stay",
    "candidate": "its policy tables are deleted; the live model stays as it is",
    "model": "it is hidden, with what it learned",
    "metric": "this cannot be undone",
    "assignment_source": "this cannot be undone",
    "api_key": "events sent with it are refused at once; this cannot be undone",
    "warehouse_connection": "its credentials are deleted; the organization goes back to "
    "the managed warehouse",
    "person": "events, receipts and assignments are erased and cannot be restored; "
    "counts of sealed days stay",
}
NAMED_KINDS = {
    "optimization": named_ids.OPTIMIZATIONS,
    "candidate": named_ids.OPTIMIZATIONS,
    "metric": named_ids.METRICS,
    "assignment_source": named_ids.SOURCES,
}
READ_KINDS = ("optimization", "metric", "assignment_source")


class DeleteInput(Input):
    """What to delete."""

    kind: DeletableKind
    id: str = Field(
        "",
        max_length=limits.MAX_ANONYMOUS_ID_LENGTH,
        description="Its id. candidate: the optimization's; person: the anonymous_id; "
        "warehouse_connection: none.",
    )
    confirm: Confirm = False


def delete_object(api: Api, arguments: DeleteInput) -> Json:
    """Delete an object; without a confirm, say what the deletion would change."""
    if not arguments.id and arguments.kind != "warehouse_connection":
        raise InvalidParametersError.for_field(
            "id", f"is required for kind {arguments.kind}"
        )
    named = NAMED_KINDS.get(arguments.kind)
    object_id = (
        named_ids.require_id(api, named, arguments.id) if named else arguments.id
    )
    path = DELETION_PATHS[arguments.kind].format(quote_segment(object_id))
    target = f"{arguments.kind} {arguments.id}".strip()
    if not arguments.confirm:
        changes = _predict_changes(api, arguments, path)
        would = f"delete {target}: {CONSEQUENCES[arguments.kind]}."
        return confirmation.ask_to_confirm(would, **changes)
    return {
        "summary": f"Deleted {target}: {CONSEQUENCES[arguments.kind]}.",
        "done": True,
        "changes": api.delete(path),
        "next": "overview shows what is left.",
    }


def _predict_changes(api: Api, arguments: DeleteInput, path: str) -> Json:
    """Return what a deletion would change, by deleting and rolling back.

    Erasing a person takes many transactions, so there only the role is checked.
    """
    if arguments.kind != "person":
        before = api.get(path) if arguments.kind in READ_KINDS else {}
        result: Json = (
            confirmation.run_and_roll_back(api, lambda: api.delete(path)) or {}
        )
        named = {
            name: [before[name], None] for name in ("name", "status") if name in before
        }
        return named | result
    if not api.caller.is_admin:
        raise ForbiddenError(IsAdmin.message)
    return {}


TOOL = Tool(
    name="delete",
    title="Delete, revoke, disconnect, erase",
    description="Delete an optimization, model, metric or assignment source; revoke an "
    "API key; disconnect the warehouse; erase a person. Admins only.",
    input_model=DeleteInput,
    answer_fields={"done": "b", "changes": "o"},
    run=delete_object,
    is_destructive=True,
    is_idempotent=True,
)
