"""Tools: send exposures and rewards; create an API key for a backend that sends them."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from levered_site.errors import ForbiddenError
from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm, Context, NestedInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Input, Tool
from optimizations.ingestion import service

# Ingestion takes an API key, which only admins can create, so only they may send here.
ADMIN_ONLY_MESSAGE = (
    "Only an admin of the organization may send events with this tool; a backend sends "
    "them with an API key to /api/v2/ingest."
)
ACCEPT_BY_KIND = {
    "exposures": service.accept_exposures,
    "rewards": service.accept_rewards,
}


class Event(NestedInput):
    """An exposure (optimization_id, variant, context?) or a reward (name, value?)."""

    anonymous_id: str
    optimization_id: UUID | None = None
    variant: Context | None = None
    context: Context | None = None
    policy_version: int | None = None
    name: str | None = None
    value: float | None = None
    properties: dict[str, Any] | None = None
    timestamp: str | None = Field(
        None, description="ISO 8601 with offset; default now."
    )
    idempotency_key: str | None = Field(None, description="Counts once in 7 days.")


class SendInput(Input):
    """A batch of events of one kind."""

    kind: Literal["exposures", "rewards"]
    events: list[Event] = Field(min_length=1, max_length=500)


def send_events(api: Api, arguments: SendInput) -> Json:
    """Store the valid events and report the rejected ones."""
    if not api.caller.is_admin:
        raise ForbiddenError(ADMIN_ONLY_MESSAGE)
    batch = [
        {
            name: value
            for name, value in event.model_dump(mode="json", exclude_unset=True).items()
            # Agents write null for what they leave out, but no value is not a 1.
            if value is not None or name == "value"
        }
        for event in arguments.events
    ]
    result = ACCEPT_BY_KIND[arguments.kind](api.caller.organization_id, batch)
    rejected = [
        {
            "index": rejection.index,
            "code": rejection.code,
            "message": rejection.message,
        }
        for rejection in result.rejected
    ]
    return {
        "summary": f"{result.accepted} {arguments.kind} stored, {result.duplicates} "
        f"duplicates, {len(rejected)} rejected.",
        "accepted": result.accepted,
        "duplicates": result.duplicates,
        "rejected": rejected[:10],
        "rejected_count": len(rejected),
        "next": "correct the rejected events and send only them again."
        if rejected
        else 'get_results with refresh: "true" counts them.',
    }


class KeyInput(Input):
    """The key to create."""

    label: str
    scopes: list[Literal["ingest", "serve", "read", "write"]] = Field(
        ["ingest"], min_length=1, description="write: a member's rights."
    )
    expires_at: str | None = Field(None, description="ISO 8601; default never.")
    confirm: Confirm = False


def create_key(api: Api, arguments: KeyInput) -> Json:
    """Create a key; it needs a confirm because the answer shows the secret."""

    def post_key() -> Json:
        return api.post("/api-keys", arguments.dump_sent("confirm"))

    if not arguments.confirm:
        confirmation.run_and_roll_back(api, post_key)
        would = (
            f"create an API key with the scopes {', '.join(arguments.scopes)}. Its secret "
            "is shown once, in the answer, and stays in this conversation."
        )
        return confirmation.ask_to_confirm(would, label=[None, arguments.label])
    key = post_key()
    return {
        "summary": f"Created the key {key['prefix']}…. Its secret is shown now and never "
        "again: put it where the backend reads its secrets.",
        "done": True,
        "api_key": key,
        "next": "a backend sends it as X-API-Key, for events to /api/v2/ingest/exposures and "
        "/rewards.",
    }


SEND_TOOL = Tool(
    name="send_events",
    title="Send events",
    description="Send exposures (who saw which variant; not needed for users served by "
    "serve) or rewards (who did what) to the managed warehouse. 1 to 500 of one kind; "
    "they count in results permanently. Admins only; a backend uses an API key instead.",
    input_model=SendInput,
    answer_fields={
        "accepted": "i",
        "duplicates": "i",
        "rejected": "a: the first 10: index, code, message",
        "rejected_count": "i",
    },
    run=send_events,
)
CREATE_KEY_TOOL = Tool(
    name="create_api_key",
    title="Create an API key",
    description="Create a key with which a backend sends events, serves, reads or writes. "
    "Admins only; its secret is shown once, with confirm: true. overview (show: api_keys) lists keys, delete "
    "revokes one.",
    input_model=KeyInput,
    answer_fields={"done": "b", "api_key": "o: secret, shown once", "changes": "o"},
    run=create_key,
)
