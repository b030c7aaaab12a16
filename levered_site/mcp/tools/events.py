"""Tools: send exposures and rewards; create an API key for what sends them."""

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


class TrackedReward(NestedInput):
    """A reward that a publishable key may send, with the bounds of its value."""

    name: str
    min: float
    max: float


class KeyInput(Input):
    """The key to create; `rewards` and `origins` are a publishable key's."""

    label: str
    scopes: list[Literal["ingest", "serve", "read", "write", "track"]] = Field(
        ["ingest"],
        min_length=1,
        description="write: a member's rights. track: for web pages, alone.",
    )
    rewards: list[TrackedReward] = Field(
        default_factory=list, description="track: what it may send."
    )
    origins: list[str] = Field(
        default_factory=list, description="track: pages that may use it."
    )
    expires_at: str | None = Field(None, description="ISO 8601; default never.")
    confirm: Confirm = False

    @property
    def is_publishable(self) -> bool:
        """Whether the key may stand in a web page."""
        return "track" in self.scopes


def create_key(api: Api, arguments: KeyInput) -> Json:
    """Create a key; it needs a confirm because it opens a way in, and shows a secret."""

    def post_key() -> Json:
        return api.post("/api-keys", arguments.dump_sent("confirm"))

    if not arguments.confirm:
        confirmation.run_and_roll_back(api, post_key)
        return confirmation.ask_to_confirm(
            _describe_key(arguments), label=[None, arguments.label]
        )
    key = post_key()
    summary, next_step = _explain_use(key, is_publishable=arguments.is_publishable)
    return {"summary": summary, "done": True, "api_key": key, "next": next_step}


def _describe_key(arguments: KeyInput) -> str:
    if arguments.is_publishable:
        rewards = [reward.name for reward in arguments.rewards]
        return (
            f"create a publishable key that sends the rewards "
            f"{', '.join(rewards) or '(none: exposures only)'} from "
            f"{', '.join(arguments.origins) or 'any page'}. Anybody may read it."
        )
    return (
        f"create an API key with the scopes {', '.join(arguments.scopes)}. Its secret "
        "is shown once, in the answer, and stays in this conversation."
    )


def _explain_use(key: Json, *, is_publishable: bool) -> tuple[str, str]:
    """Return the summary of a new key and what to do with it."""
    if is_publishable:
        summary = f"Created the publishable key {key['public_key']}, which may stand in a page."
        use = "pages send it as `key` to /api/v2/track; the JavaScript SDK takes it as apiKey."
        return summary, use
    summary = (
        f"Created the key {key['prefix']}…. Its secret is shown now and never again: put "
        "it where the backend reads its secrets."
    )
    use = (
        "a backend sends it as X-API-Key, for events to /api/v2/ingest/exposures and "
        "/rewards."
    )
    return summary, use


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
    description="Create a key for a backend, or for web pages (scope track). Admins only; "
    "its secret is shown once, with confirm: true. overview (show: api_keys) lists keys, "
    "delete revokes one.",
    input_model=KeyInput,
    answer_fields={"done": "b", "api_key": "o: secret, shown once", "changes": "o"},
    run=create_key,
)
