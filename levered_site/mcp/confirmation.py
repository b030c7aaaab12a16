"""Preview a change before it is made, and ask the agent to confirm it."""

from collections.abc import Callable
from typing import Any

from levered_site.mcp.rest_api import Api, Json, RefusedError

CONFIRM_STEP = (
    "If this is wanted, call again with the same arguments and confirm: true."
)
# `model_config` repeats what other fields say; the last two are of an answer to ship.
IGNORED_FIELDS = {"updated_at", "model_config", "health", "confirmed"}


def run_and_roll_back(api: Api, change: Callable[[], Any]) -> Any:
    """Make a change, roll it back, and return what it returned.

    Every rule of the API is checked; an error of the change is raised.
    """
    with api.rollback_transaction():
        return change()


def ask_to_confirm(would: str, **changes: Any) -> Json:
    """Build the answer of a call without a confirm: what the call would change."""
    return {
        "summary": f"Nothing has changed yet. This would {would}",
        "done": False,
        "changes": changes,
        "next": CONFIRM_STEP,
    }


def ask_to_confirm_difference(would: str, before: Json, after: Json) -> Json:
    """Build the answer of a call without a confirm from the state before and after.

    A call that changes nothing needs no confirm, and the answer says so.
    """
    changes = diff_fields(before, after)
    if changes:
        return ask_to_confirm(would, **changes)
    return {
        "summary": "Nothing would change: it already has these values.",
        "done": False,
        "changes": {},
        "next": "name a field and the value it should have.",
    }


def list_reasons(error: RefusedError) -> list[Json]:
    """Return the reasons for which the API asks for a confirmation; none otherwise."""
    return [detail for detail in error.error.get("details", ()) if "next" in detail]


def warn_of_reasons(answer: Json, reasons: list[Json]) -> Json:
    """Return the answer of a preview with the reasons against the change in it."""
    messages = " ".join(reason["message"] for reason in reasons)
    return answer | {
        "summary": f"{answer['summary']} But: {messages}",
        "reasons": reasons,
        "next": f"{reasons[0]['next']} Tell the people who decide about the reasons. "
        f"{CONFIRM_STEP}",
    }


def diff_fields(before: Json, after: Json) -> Json:
    """Return the fields that differ, each as `[before, after]`."""
    return {
        name: [before.get(name), value]
        for name, value in after.items()
        if name not in IGNORED_FIELDS and before.get(name) != value
    }
