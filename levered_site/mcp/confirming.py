"""Before a change: do it in rehearsal, say what would be different, ask for a confirm."""

from collections.abc import Callable
from typing import Any

from levered_site.mcp.calls import Api, Json

CONFIRM = "If this is wanted, call again with the same arguments and confirm: true."
UNTOLD = {"updated_at", "model_config"}  # the latter repeats what others say


def rehearsed(api: Api, deed: Callable[[], Any]) -> Any:
    """Do a deed and take it back; returns what it returned. Raises what it raises."""
    with api.rehearsing():
        return deed()


def instead(would: str, **changes: Any) -> Json:
    """Answer that nothing was done, and what would have been."""
    return {
        "summary": f"Nothing has changed yet. This would {would}",
        "done": False,
        "changes": changes,
        "next": CONFIRM,
    }


def unless_so(would: str, before: Json, after: Json) -> Json:
    """Answer as `instead` what differs; where nothing does, that it is so already."""
    changes = difference(before, after)
    if changes:
        return instead(would, **changes)
    return {
        "summary": "Nothing would change: it is so already.",
        "done": False,
        "changes": {},
        "next": "name what is to be different.",
    }


def difference(before: Json, after: Json) -> Json:
    """Name the fields that differ, each as `[before, after]`."""
    return {
        name: [before.get(name), value]
        for name, value in after.items()
        if name not in UNTOLD and before.get(name) != value
    }
