"""/api-keys: create, list, revoke; tenants are isolated, secrets not stored."""

from typing import Any

import pytest

from levered_site.organizations.models import ApiKey, AuditEntry
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_a_key_is_created() -> None:
    acme = factories.make_organization()

    created = factories.make_admin_api(acme).post("/api-keys", {"label": "backend"})

    body = factories.read_body(created)
    assert created.status_code == 201
    assert list(body)[-2:] == ["secret", "meta"]
    assert (body["label"], body["scopes"]) == ("backend", ["ingest"])
    assert body["secret"].startswith("lev_")
    assert body["secret"].startswith(body["prefix"])
    assert body["meta"]["organization_id"] == acme.pk


def test_another_media_type_is_refused() -> None:
    admin = factories.make_admin_api(factories.make_organization())

    answer: Any = admin.client.post(
        "/api/v2/api-keys", {"label": "x"}, headers=admin.headers
    )

    error = factories.read_error(answer)
    assert (answer.status_code, error["code"]) == (415, "unsupported_media_type")
    assert error["message"] == "The Content-Type must be application/json here."
    assert not ApiKey.objects.exists()


def test_the_secret_is_nowhere_in_the_database() -> None:
    acme = factories.make_organization()

    secret = factories.make_api_key(acme)

    key = ApiKey.objects.get()
    assert secret not in str(vars(key))
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_list_shows_the_organizations_own_keys_newest_first() -> None:
    acme, other = factories.make_organization(), factories.make_organization()
    factories.make_api_key(acme, "first")
    factories.make_api_key(acme, "second")
    factories.make_api_key(other, "theirs")

    listed = factories.read_body(factories.make_member_api(acme).get("/api-keys"))

    assert [key["label"] for key in listed["api_keys"]] == ["second", "first"]
    assert listed["next_cursor"] is None


def test_a_member_may_neither_create_nor_revoke_keys() -> None:
    acme = factories.make_organization()
    factories.make_api_key(acme)
    key = ApiKey.objects.get()
    bob = factories.make_member_api(acme)

    answers = [
        bob.post("/api-keys", {"label": "mine"}),
        bob.delete(f"/api-keys/{key.pk}"),
    ]

    assert [factories.read_error(answer)["code"] for answer in answers] == [
        "forbidden",
        "forbidden",
    ]
    assert list(ApiKey.objects.active()) == [key]


def test_revoking_a_key_is_audited() -> None:
    acme = factories.make_organization()
    factories.make_api_key(acme)
    key = ApiKey.objects.get()
    alice = factories.make_admin_api(acme)

    revoked = alice.delete(f"/api-keys/{key.pk}")

    assert (revoked.status_code, revoked.content) == (204, b"")
    assert not ApiKey.objects.active().exists()
    assert alice.delete(f"/api-keys/{key.pk}").status_code == 404
    entry = AuditEntry.objects.get(action="api_key.revoke")
    assert (entry.actor_kind, entry.actor_id) == ("user", "user_alice")
    assert entry.request_id == revoked["X-Request-Id"]


def test_another_organizations_key_is_not_found() -> None:
    acme, other = factories.make_organization(), factories.make_organization()
    factories.make_api_key(other)
    key = ApiKey.objects.get()

    refused = factories.make_admin_api(acme).delete(f"/api-keys/{key.pk}")

    assert factories.read_error(refused)["code"] == "not_found"
    assert ApiKey.objects.active().exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "label"),
        ({"label": ""}, "label"),
        ({"label": "  "}, "label"),
        ({"label": 5}, "label"),
        ({"label": None}, "label"),
        ({"label": ["a"]}, "label"),
        ({"label": "x" * 201}, "label"),
        ({"label": "a\0b"}, "label"),
        ({"label": "a", "scope": "all"}, "scope"),
    ],
)
def test_an_invalid_field_is_named(body: dict[str, object], field: str) -> None:
    acme = factories.make_organization()

    refused = factories.make_admin_api(acme).post("/api-keys", body)

    error = factories.read_error(refused)
    assert (refused.status_code, error["code"]) == (400, "invalid_parameters")
    assert [problem["field"] for problem in error["details"]] == [field]
    assert not ApiKey.objects.exists()


def test_a_repeat_with_the_same_idempotency_key_creates_no_second_key() -> None:
    acme = factories.make_organization()
    alice = factories.make_admin_api(acme)
    first = alice.post("/api-keys", {"label": "a"}, Idempotency_Key="once")

    second = alice.post("/api-keys", {"label": "a"}, Idempotency_Key="once")

    assert (first.status_code, second.status_code) == (201, 409)
    assert "secret" in factories.read_error(second)["message"]
    assert ApiKey.objects.count() == 1
