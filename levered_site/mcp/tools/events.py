"""Tools: send exposures and rewards; make the key with which a backend sends its own."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from levered_site.errors import ForbiddenError
from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm, Context, NestedInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Input, Tool
from optimizations.ingestion import service

# Ingestion takes an API key, which only admins make: they may send as that key would.
ADMIN_ONLY_MESSAGE = (
    "Only an admin of the organization may send events here; a backend sends them with "
    "an API key to /api/v2/ingest."
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
    timestamp: str | None = Field(None, description="ISO 8601 with offset; now.")
    idempotency_key: str | None = Field(None, description="Counts once in 7 days.")


class SendInput(Input):
    """A batch of one kind."""

    kind: Literal["exposures", "rewards"]
    events: list[Event] = Field(min_length=1, max_length=500)


def send_events(api: Api, given: SendInput) -> Json:
    """Keep the sound ones and say which are refused."""
    if not api.caller.is_admin:
        raise ForbiddenError(ADMIN_ONLY_MESSAGE)
    sent = [
        event.model_dump(mode="json", exclude_none=True, exclude_unset=True)
        for event in given.events
    ]
    receipt = ACCEPT_BY_KIND[given.kind](api.caller.organization_id, sent)
    rejected = [
        {"index": each.index, "code": each.code, "message": each.message}
        for each in receipt.rejected
    ]
    return {
        "summary": f"{receipt.accepted} {given.kind} kept, {receipt.duplicates} "
        f"duplicates, {len(rejected)} refused.",
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": rejected[:10],
        "rejected_count": len(rejected),
        "next": "mend the refused ones and send them again (the good ones are kept)."
        if rejected
        else 'get_results with refresh: "true" counts them.',
    }


class KeyInput(Input):
    """The key to make."""

    label: str
    confirm: Confirm = False


def make_key(api: Api, given: KeyInput) -> Json:
    """Make a key; its secret is in this one answer, so a confirm comes first."""
    if not given.confirm:
        confirmation.run_and_roll_back(
            api, lambda: api.post("/api-keys", {"label": given.label})
        )
        would = (
            "make an API key that may send events. Its secret would be shown once, "
            "here, and stay in this conversation."
        )
        return confirmation.ask_to_confirm(would, label=[None, given.label])
    made = api.post("/api-keys", {"label": given.label})
    return {
        "summary": f"Made the key {made['prefix']}…. Its secret is shown now and never "
        "again: put it where the backend reads its secrets.",
        "done": True,
        "api_key": made,
        "next": "a backend sends it as X-API-Key to /api/v2/ingest/exposures and /rewards.",
    }


SEND_TOOL = Tool(
    name="send_events",
    title="Send events",
    description="Send exposures (who saw which variant; not needed for users served by "
    "serve) or rewards (who did what) to the managed warehouse. 1 to 500 of one kind; "
    "they count in results for good. Admins only; a backend uses an API key instead.",
    input_model=SendInput,
    answer_fields={
        "accepted": "i",
        "duplicates": "i",
        "rejected": "a: the first 10: index, code, message",
        "rejected_count": "i",
    },
    run=send_events,
)
MAKE_KEY_TOOL = Tool(
    name="create_api_key",
    title="Make an API key",
    description="Make a key with which a backend sends events. Admins only; its secret "
    "is shown once, with confirm: true. overview (show: api_keys) lists keys, delete "
    "revokes one.",
    input_model=KeyInput,
    answer_fields={"done": "b", "api_key": "o: secret, shown once", "changes": "o"},
    run=make_key,
)
