"""The admin's pages of API keys: scopes, expiry and rotation; public keys, no secrets."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from levered_site.organizations import api_keys
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import ApiKey, Organization
from tests.support import factories, tracking

pytestmark = pytest.mark.django_db
LIST = "admin:organizations_apikey_changelist"


@pytest.fixture
def acme() -> Organization:
    """An organization."""
    return factories.make_organization()


def read_page(staff: Client, key: ApiKey) -> str:
    """Return the page of a key."""
    path = reverse("admin:organizations_apikey_change", args=[key.pk])
    return staff.get(path).content.decode()


def test_a_key_is_shown_with_its_scopes_and_a_running_rotation(
    staff: Client, acme: Organization
) -> None:
    old_secret = factories.make_api_key(acme, scopes=("serve", "read"))
    key = ApiKey.objects.get()
    rotated, secret = api_keys.rotate_key(key, timedelta(hours=2), SYSTEM_ACTOR)

    page = read_page(staff, rotated)

    assert "serve, read" in page
    assert f"{old_secret[:12]}… works until" in page
    for hidden in (secret, old_secret, rotated.digest, rotated.previous_digest):
        assert str(hidden) not in page


def test_a_publishable_key_can_be_read_again(staff: Client, acme: Organization) -> None:
    secret = tracking.make_publishable_key(acme, origins=("https://shop.example",))

    page = read_page(staff, ApiKey.objects.get())

    assert secret in page
    assert "purchase" in page
    assert "https://shop.example" in page


def test_keys_are_filtered_by_their_state(staff: Client, acme: Organization) -> None:
    for label in ("fresh one", "stale one", "ended one"):
        factories.make_api_key(acme, label)
    now = timezone.now()
    ApiKey.objects.filter(label="stale one").update(expires_at=now)
    ApiKey.objects.filter(label="ended one").update(revoked_at=now)

    shown = {
        state: staff.get(reverse(LIST), {"state": state}).content.decode()
        for state in ("active", "expired", "revoked")
    }

    labels = {"active": "fresh one", "expired": "stale one", "revoked": "ended one"}
    for state, page in shown.items():
        assert [label for label in labels.values() if label in page] == [labels[state]]
