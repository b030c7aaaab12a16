"""Deeds as staff do them, by a dialog or for several of a list, and what is said then."""

from typing import Any

from django.test import Client
from django.urls import reverse

from levered_site.organizations.models import AuditEntry

OPTIMIZATION_LIST = "admin:optimizations_optimization_changelist"


def dialog_url(thing: Any, deed: str) -> str:
    """Say where the dialog of a deed is."""
    options = thing._meta
    name = f"admin:{options.app_label}_{options.model_name}_do_{deed}"
    return reverse(name, args=[thing.pk])


def confirm_action(client: Client, thing: Any, deed: str) -> list[str]:
    """Confirm a deed's dialog; return what is said afterwards."""
    answer = client.post(
        dialog_url(thing, deed), {"_form_submitted": "on"}, follow=True
    )
    assert answer.status_code == 200
    return read_messages(answer)


def confirm_list_action(
    client: Client, listing: str, things: list[Any], deed: str
) -> list[str]:
    """Choose things in a list, run an action and confirm it; return what is said."""
    form = {
        "action": deed,
        "_selected_action": [str(thing.pk) for thing in things],
        "confirmed": "yes",
    }
    return read_messages(client.post(reverse(listing), form, follow=True))


def read_messages(answer: Any) -> list[str]:
    """List the messages on a page."""
    return [str(message) for message in answer.context["messages"]]


def read_last_audit() -> tuple[str, str, str]:
    """Read the newest entry: what was done, and who did it."""
    entry = AuditEntry.objects.latest("id")
    return entry.action, entry.actor_kind, entry.actor_id
