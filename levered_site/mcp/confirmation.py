"""Before a change: do it in rehearsal, say what would be different, ask for a confirm."""

from collections.abc import Callable
from typing import Any

from levered_site.mcp.rest_api import Api, Json

CONFIRM_STEP = (
    "If this is wanted, call again with the same arguments and confirm: true."
)
IGNORED_FIELDS = {"updated_at", "model_config"}  # the latter repeats what others say


def run_and_roll_back(api: Api, deed: Callable[[], Any]) -> Any:
    """Do a deed and take it back; returns what it returned. Raises what it raises."""
    with api.rollback_transaction():
        return deed()


def ask_to_confirm(would: str, **changes: Any) -> Json:
    """Answer that nothing was done, and what would have been."""
    return {
        "summary": f"Nothing has changed yet. This would {would}",
        "done": False,
        "changes": changes,
        "next": CONFIRM_STEP,
    }


def ask_to_confirm_difference(would: str, before: Json, after: Json) -> Json:
    """Answer as `instead` what differs; where nothing does, that it is so already."""
    changes = diff_fields(before, after)
    if changes:
        return ask_to_confirm(would, **changes)
    return {
        "summary": "Nothing would change: it is so already.",
        "done": False,
        "changes": {},
        "next": "name what is to be different.",
    }


def diff_fields(before: Json, after: Json) -> Json:
    """Name the fields that differ, each as `[before, after]`."""
    return {
        name: [before.get(name), value]
        for name, value in after.items()
        if name not in IGNORED_FIELDS and before.get(name) != value
    }
