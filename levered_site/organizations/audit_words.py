"""The audit log in plain words: actions, actors, and kinds of what was changed. Pure.

The log and the API keep the codes. Whatever people read takes its words from here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})

# A test holds that each action which the code records is here.
ACTION_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "optimization.create": "Optimization created",
        "optimization.change": "Settings changed",
        "optimization.go_live": "Went live",
        "optimization.pause": "Paused",
        "optimization.resume": "Live again",
        "optimization.ship": "Shipped",
        "optimization.stop": "Stopped for good",
        "optimization.archive": "Archived",
        "optimization.unarchive": "Taken out of the archive",
        "optimization.delete": "Optimization deleted",
        "optimization.purge": "Data of a deleted optimization removed",
        "variant.enable": "Variant enabled",
        "variant.disable": "Variant disabled",
        "variant.screenshot": "Screenshot uploaded",
        "candidate.put": "Candidate set",
        "candidate.promote": "Candidate promoted",
        "candidate.discard": "Candidate discarded",
        "note.create": "Note written",
        "note.change": "Note changed",
        "note.delete": "Note deleted",
        "share_link.create": "Share link made",
        "share_link.open": "Share link opened",
        "share_link.revoke": "Share link revoked",
        "user.erase": "A person's data erased",
        "model.delete": "Model deleted",
        "metric.define": "Metric created",
        "metric.redefine": "Metric changed",
        "metric.forget": "Metric deleted",
        "assignment_source.define": "Assignment source created",
        "assignment_source.redefine": "Assignment source changed",
        "assignment_source.forget": "Assignment source deleted",
        "warehouse.connect": "Warehouse connected",
        "warehouse.forget": "Warehouse disconnected",
        "api_key.make": "API key created",
        "api_key.change": "API key changed",
        "api_key.rotate": "API key got a new secret",
        "api_key.revoke": "API key revoked",
        "organization.create": "Organization created",
        "organization.update": "Organization changed",
        "staff_membership.create": "Role given",
        "staff_membership.update": "Role changed",
        "staff_membership.delete": "Role taken away",
        "staff.login_failed": "Log-in failed",
    }
)
KIND_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "user": "A member by the API",
        "staff": "Staff in the admin",
        "key": "An API key",
        "system": "Levered itself",
        "public": "Somebody without an account",
    }
)
TARGET_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "assignment_source": "Assignment source",
        "metric": "Metric",
        "model": "Model",
        "optimization": "Optimization",
        "api_key": "API key",
        "organization": "Organization",
        "staff_membership": "Role",
        "connection": "Warehouse connection",
        "user": "Staff user",
    }
)
LOCAL_USER: Final = "user_local"  # whom `manage.py issue_token` names by default
SYSTEM_IDS: Final[Mapping[str, str]] = MappingProxyType(
    {"system": "Levered itself", "clock": "The clock"}
)


def describe_action(action: str) -> str:
    """Return an action in words; one that a later version recorded as far as it tells."""
    words = ACTION_WORDS.get(action)
    if words is not None:
        return words
    return action.replace(".", " ").replace("_", " ").capitalize()


def describe_target_kind(name: str) -> str:
    """Return what kind of thing was changed; `name` is the API's."""
    return TARGET_WORDS.get(name) or name.replace("_", " ").capitalize()


def describe_actor(
    kind: str, actor_id: str, key_labels: Mapping[str, str] = NO_LABELS
) -> str:
    """Return who acted; `key_labels` are the labels of API keys by their ids."""
    match kind:
        case "user":
            return "Local token" if actor_id == LOCAL_USER else f"Member {actor_id}"
        case "staff":
            return f"{actor_id} (staff)"
        case "key":
            label = key_labels.get(actor_id)
            return f"API key “{label}”" if label else f"API key {actor_id[:8]}"
        case "system":
            return SYSTEM_IDS.get(actor_id, actor_id)
        case "public":
            return f"Somebody at {actor_id}"
        case _:
            return f"{kind} {actor_id}".strip()


def describe_actor_text(text: str, key_labels: Mapping[str, str] = NO_LABELS) -> str:
    """Return who acted, from the text of an actor such as `user:user_alice`."""
    kind, _, actor_id = text.partition(":")
    return describe_actor(kind, actor_id, key_labels)
