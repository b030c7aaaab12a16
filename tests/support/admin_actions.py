"""Running admin actions by their dialogs or from a list, and reading the messages."""

from typing import Any

from django.test import Client
from django.urls import reverse

from levered_site.admin.objections import TICKED_FIELD
from levered_site.organizations.models import AuditEntry

OPTIMIZATION_LIST = "admin:optimizations_optimization_changelist"


def build_dialog_url(target: Any, name: str) -> str:
    """Return the URL of an action's dialog."""
    options = target._meta
    view = f"admin:{options.app_label}_{options.model_name}_do_{name}"
    return reverse(view, args=[target.pk])


def confirm_action(
    client: Client, target: Any, name: str, *, ticked: bool = False
) -> list[str]:
    """Confirm an action's dialog, its box ticked or not; return the messages."""
    form = {"_form_submitted": "on"} | ({TICKED_FIELD: "on"} if ticked else {})
    answer = client.post(build_dialog_url(target, name), form, follow=True)
    assert answer.status_code == 200
    return read_messages(answer)


def confirm_list_action(
    client: Client,
    list_view: str,
    targets: list[Any],
    name: str,
    *,
    ticked: bool = False,
) -> list[str]:
    """Select targets in a list, run and confirm an action; return the messages."""
    form = {
        "action": name,
        "_selected_action": [str(target.pk) for target in targets],
        "confirmed": "yes",
    } | ({TICKED_FIELD: "on"} if ticked else {})
    return read_messages(client.post(reverse(list_view), form, follow=True))


def read_messages(answer: Any) -> list[str]:
    """Return the messages on a page."""
    return [str(message) for message in answer.context["messages"]]


def read_last_audit() -> tuple[str, str, str]:
    """Return action, actor kind and actor id of the newest audit entry."""
    entry = AuditEntry.objects.latest("id")
    return entry.action, entry.actor_kind, entry.actor_id
