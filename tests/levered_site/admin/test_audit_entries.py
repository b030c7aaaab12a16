"""The audit log in the admin: words on its pages, and codes beside them in its CSV."""

import pytest
from django.test import Client
from django.urls import reverse

from levered_site.organizations import api_keys, audit
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import AuditEntry
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db
LIST = "admin:organizations_auditentry_changelist"


@pytest.fixture
def entry(world: World) -> AuditEntry:
    """Let an API key change the holdout."""
    organization_id = world.organization.pk
    actor = Actor("key", str(world.key.pk))
    return audit.record(
        organization_id,
        actor,
        "optimization.change",
        world.optimization,
        {"holdout_percentage": 5.0},
        before={"holdout_percentage": 10.0},
    )


def test_the_list_says_what_happened_and_who_did_it(
    staff: Client, entry: AuditEntry
) -> None:
    page = staff.get(reverse(LIST)).content.decode()

    assert "Settings changed" in page
    assert "API key “backend”" in page
    assert "Optimization: Checkout" in page
    assert (
        "optimization.change"
        not in page.partition("result_list")[2].partition("</table>")[0]
    )


def test_the_list_is_filtered_by_action_and_kind(
    staff: Client, world: World, entry: AuditEntry
) -> None:
    api_keys.revoke_key(world.key, Actor("staff", "ann"))

    def list_actions(**query: str) -> set[str]:
        found = staff.get(reverse(LIST), query).context["cl"].result_list
        return {row.action for row in found}

    assert list_actions(action__exact="optimization.change") == {"optimization.change"}
    assert list_actions(actor_kind__exact="staff") == {"api_key.revoke"}
    assert list_actions(actor_kind__exact="staff", action__exact="note.create") == set()


def test_an_entry_shows_before_and_after_in_words_and_as_recorded(
    staff: Client, entry: AuditEntry
) -> None:
    path = reverse("admin:organizations_auditentry_change", args=[entry.pk])

    page = staff.get(path).content.decode()

    assert "<del>10 %</del>" in page
    assert "<ins>5 %</ins>" in page
    assert "optimization.change" in page
    assert f"key:{entry.actor_id}" in page


def test_the_csv_keeps_the_codes_and_adds_the_words(
    staff: Client, entry: AuditEntry
) -> None:
    answer = staff.get(reverse("admin:organizations_auditentry_csv_list"))

    head, newest, *_ = answer.content.decode("utf-8-sig").splitlines()
    row = dict(zip(head.split(","), newest.split(","), strict=False))
    assert row["action"] == "optimization.change"
    assert row["actor.kind"] == "key"
    assert "Settings changed" in newest
    assert "API key “backend”" in newest
    assert "Holdout: 10 % → 5 %" in newest
