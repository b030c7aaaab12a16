"""Reading the audit log: which entries, and what was before and after each change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, get_args

from django.db.models import QuerySet

from levered_site.organizations.actors import ActorKind
from levered_site.organizations.models import AuditEntry

# The names that the API has for what entries are about; tables have others.
TARGET_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "metrics.assignmentsource": "assignment_source",
        "metrics.metric": "metric",
        "models_app.banditmodel": "model",
        "optimizations.optimization": "optimization",
        "organizations.apikey": "api_key",
        "organizations.organization": "organization",
        "organizations.staffmembership": "staff_membership",
        "warehouse.connection": "connection",
    }
)
LABELS: Final = {name: label for label, name in TARGET_NAMES.items()}
NOT_RECORDED: Final = "entries of earlier versions do not have it"
# Of entries without `before`: fields whose values were written as [before, after].
PAIRED_FIELDS: Final = ("status", "allocation", "exploration_share")
PAIRED_LISTS: Final = ("excluded_users", "ignored_context_factors")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries to read; None is any.

    Attributes
    ----------
    target_type: a name of TARGET_NAMES.
    action: a whole action, or the part before its dot: "optimization" is all of them.
    actor: an id, or a kind and an id, as "user:user_alice".
    since, until: moments; the second one is not included.

    """

    target_type: str | None = None
    target_id: str | None = None
    action: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """Values by field before and after; a field that stayed the same is in neither.

    `before` is None where the entry does not have it. `after` also holds what an entry
    tells beside a change, such as the number of the variant.
    """

    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


def select_entries(
    entries: QuerySet[AuditEntry], wanted: AuditFilter
) -> QuerySet[AuditEntry]:
    """Return the entries that the filter lets through."""
    conditions: dict[str, Any] = {
        "target_type": wanted.target_type and LABELS[wanted.target_type],
        "target_id": wanted.target_id,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
        **_build_action_condition(wanted.action),
        **_build_actor_condition(wanted.actor),
    }
    given = {name: value for name, value in conditions.items() if value is not None}
    return entries.filter(**given)


def _build_action_condition(action: str | None) -> dict[str, str]:
    if action is None:
        return {}
    return {"action": action} if "." in action else {"action__startswith": f"{action}."}


def _build_actor_condition(actor: str | None) -> dict[str, str]:
    if actor is None:
        return {}
    kind, colon, actor_id = actor.partition(":")
    if colon and kind in get_args(ActorKind):
        return {"actor_kind": kind, "actor_id": actor_id}
    return {"actor_id": actor}


def read_change(entry: AuditEntry) -> RecordedChange:
    """Return what was before and after, also of entries that have it as pairs."""
    if entry.before is None:
        return _read_pairs(entry.changes)
    before, after = entry.before, entry.changes
    unchanged = {
        name for name in before.keys() & after.keys() if before[name] == after[name]
    }
    return RecordedChange(_leave_out(before, unchanged), _leave_out(after, unchanged))


def name_target(entry: AuditEntry) -> str:
    """Return the kind of what an entry is about, as the API calls it."""
    return TARGET_NAMES.get(entry.target_type, entry.target_type.rpartition(".")[2])


def _leave_out(values: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _read_pairs(changes: Mapping[str, Any]) -> RecordedChange:
    pairs = {name: value for name, value in changes.items() if _is_pair(name, value)}
    return RecordedChange(
        {name: pair[0] for name, pair in pairs.items()} or None,
        {
            name: pairs[name][1] if name in pairs else value
            for name, value in changes.items()
        },
    )


def _is_pair(name: str, value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    are_lists = all(isinstance(each, list) for each in value)
    return name in PAIRED_FIELDS or (name in PAIRED_LISTS and are_lists)
