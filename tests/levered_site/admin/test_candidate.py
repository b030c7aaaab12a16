"""A candidate in the admin: shown, promoted and discarded as by the API."""

import pytest
from django.test import Client
from django.urls import reverse

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from optimizations.models import Candidate, Optimization
from optimizations.training import candidates
from tests.support import staff_world
from tests.support.admin_actions import confirm_action

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def optimization() -> Optimization:
    """Create a live optimization with a candidate that is not trained yet."""
    live = staff_world.make_world().optimization
    settings = {"ignored_context_factors": ["device"]}
    candidates.set_candidate(live, settings, SYSTEM_ACTOR)
    return live


def build_page_url(optimization: Optimization) -> str:
    return reverse("admin:optimizations_optimization_change", args=[optimization.pk])


def test_the_page_shows_the_candidate_beside_what_serves(
    staff: Client, optimization: Optimization
) -> None:
    shown = staff.get(build_page_url(optimization)).content.decode()
    candidates.discard_candidate(optimization, SYSTEM_ACTOR)
    without = staff.get(build_page_url(optimization)).content.decode()

    assert "<h2>Candidate</h2>" in shown
    assert "no training has made a table of it yet" in shown
    assert "Promote candidate" in shown
    assert "<h2>Candidate</h2>" not in without
    assert "Promote candidate?" not in without


def test_it_is_promoted_by_its_button(
    staff: Client, optimization: Optimization
) -> None:
    refused = confirm_action(staff, optimization, "promote")
    assert Candidate.objects.exists()
    staff_world.send_traffic(optimization, 300)
    assert staff_world.train_model(optimization).status == "succeeded"
    assert "users compared" in staff.get(build_page_url(optimization)).content.decode()

    messages = confirm_action(staff, optimization, "promote")

    assert "no training has made a table" in refused[0]
    assert messages == [f"Promoted: {optimization}"]
    optimization.refresh_from_db()
    assert optimization.ignored_context_factors == ["device"]
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor_kind) == ("candidate.promote", "staff")


def test_it_is_discarded_by_its_button(
    staff: Client, optimization: Optimization
) -> None:
    messages = confirm_action(staff, optimization, "discard")
    again = confirm_action(staff, optimization, "discard")

    assert messages == [f"Candidate discarded: {optimization}"]
    assert "has no candidate" in again[0]
    assert not Candidate.objects.exists()
    assert AuditEntry.objects.filter(action="candidate.discard").count() == 1
