"""Rotation of API keys: a new secret at once, the old one until the overlap ends."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from levered_site.organizations import key_lookup, key_memory
from levered_site.organizations.models import ApiKey, AuditEntry, Organization
from tests.support import factories, tracking
from tests.support.factories import Api, read_body, read_error

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organization:
    """An organization."""
    return factories.make_organization()


@pytest.fixture
def secret(acme: Organization) -> str:
    """The secret of its only key, which may read."""
    return factories.make_api_key(acme, scopes=("read",))


def rotate(organization: Organization, **body: Any) -> HttpResponse:
    """Rotate the organization's only key as an admin."""
    key = ApiKey.objects.get(organization=organization)
    alice = factories.make_admin_api(organization)
    return alice.post(f"/api-keys/{key.pk}/rotate", body)


def may_read(secret: str) -> bool:
    """Return whether a secret works; it is read from the database, not from memory."""
    key_memory.forget(key_memory.hash_secret(secret))
    return Api(secret).get("/me").status_code == 200


def test_both_secrets_work_while_the_overlap_lasts(
    acme: Organization, secret: str
) -> None:
    before = ApiKey.objects.get()

    rotated = rotate(acme, overlap_hours=2)

    body = read_body(rotated)
    assert rotated.status_code == 200
    assert body["secret"].startswith(body["prefix"])
    assert (body["id"], body["scopes"]) == (str(before.pk), ["read"])
    assert body["rotation"]["previous_prefix"] == before.prefix
    assert may_read(secret)
    assert may_read(body["secret"])
    shown = read_body(factories.make_member_api(acme).get(f"/api-keys/{before.pk}"))
    assert shown["rotation"] == body["rotation"]
    assert "secret" not in shown


def test_the_old_secret_stops_when_the_overlap_ends(
    acme: Organization, secret: str
) -> None:
    new_secret = read_body(rotate(acme, overlap_hours=0.5))["secret"]
    ApiKey.objects.update(previous_expires_at=timezone.now())

    assert not may_read(secret)
    assert may_read(new_secret)
    message = read_error(Api(secret).get("/me"))["message"]
    assert "replaced" in message
    assert "new secret" in message
    [shown] = read_body(Api(new_secret).get("/api-keys"))["api_keys"]
    assert shown["rotation"] is None


def test_the_overlap_is_a_day_by_default(acme: Organization, secret: str) -> None:
    rotate(acme)

    end = ApiKey.objects.get().previous_expires_at
    assert end is not None
    assert timedelta(hours=23.9) < end - timezone.now() < timedelta(hours=24.1)


def test_without_an_overlap_the_old_secret_stops_at_once(
    acme: Organization, secret: str
) -> None:
    assert Api(secret).get("/me").status_code == 200  # the process knows it

    body = read_body(rotate(acme, overlap_hours=0))

    assert body["rotation"] is None
    assert Api(secret).get("/me").status_code == 401
    assert Api(body["secret"]).get("/me").status_code == 200


def test_a_third_secret_is_a_conflict_that_says_when(
    acme: Organization, secret: str
) -> None:
    rotate(acme, overlap_hours=1)

    refused = rotate(acme, overlap_hours=1)

    assert (refused.status_code, read_error(refused)["code"]) == (409, "conflict")
    end = ApiKey.objects.get().previous_expires_at
    assert f"{end:%Y-%m-%dT%H:%M:%SZ}" in read_error(refused)["message"]
    assert may_read(secret)


def test_a_leaked_secret_is_ended_during_an_overlap(
    acme: Organization, secret: str
) -> None:
    second = read_body(rotate(acme, overlap_hours=1))["secret"]

    third = read_body(rotate(acme, overlap_hours=0))["secret"]

    assert [may_read(each) for each in (secret, second, third)] == [False, False, True]


def test_revoking_ends_both_secrets_at_once(acme: Organization, secret: str) -> None:
    second = read_body(rotate(acme))["secret"]
    assert [Api(each).get("/me").status_code for each in (secret, second)] == [200] * 2

    factories.make_admin_api(acme).delete(f"/api-keys/{ApiKey.objects.get().pk}")

    assert [Api(each).get("/me").status_code for each in (secret, second)] == [401] * 2


def test_an_expired_key_is_not_rotated(acme: Organization, secret: str) -> None:
    ApiKey.objects.update(expires_at=timezone.now())

    refused = rotate(acme)

    assert (refused.status_code, read_error(refused)["code"]) == (409, "conflict")


def test_a_rotation_is_audited_without_the_secret(
    acme: Organization, secret: str
) -> None:
    new_secret = read_body(rotate(acme))["secret"]

    entry = AuditEntry.objects.get(action="api_key.rotate")
    assert (entry.actor_kind, entry.actor_id) == ("user", "user_alice")
    assert set(entry.changes) == {"prefix", "overlap_ends_at"}
    everything = str(list(ApiKey.objects.values())) + str(entry.changes)
    assert new_secret not in everything


def test_a_repeat_with_the_same_idempotency_key_rotates_once(
    acme: Organization, secret: str
) -> None:
    path = f"/api-keys/{ApiKey.objects.get().pk}/rotate"
    alice = factories.make_admin_api(acme)

    answers = [alice.post(path, {}, Idempotency_Key="once") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 409]
    assert AuditEntry.objects.filter(action="api_key.rotate").count() == 1


@pytest.mark.parametrize("hours", [-1, 721, "1", None, True])
def test_an_invalid_overlap_is_named(
    acme: Organization, secret: str, hours: object
) -> None:
    refused = rotate(acme, overlap_hours=hours)

    assert read_error(refused)["details"][0]["field"] == "overlap_hours"
    assert may_read(secret)


def test_a_publishable_key_is_rotated_to_another_publishable_key(
    acme: Organization,
) -> None:
    key = tracking.make_publishable_key(acme)

    body = read_body(rotate(acme))

    assert body["public_key"] == body["secret"]
    assert body["secret"].startswith("lev_pub_")
    for each in (key, body["secret"]):
        holder = key_lookup.load_holder(each)
        assert holder.scopes == {"track"}
        assert [reward.name for reward in holder.rewards] == ["purchase", "revenue"]


def test_another_organizations_key_is_not_rotated(
    acme: Organization, secret: str
) -> None:
    path = f"/api-keys/{ApiKey.objects.get().pk}/rotate"

    refused = factories.make_admin_api(factories.make_organization()).post(path, {})

    assert refused.status_code == 404
    assert may_read(secret)


@pytest.mark.django_db(transaction=True)
def test_of_rotations_at_once_one_wins(acme: Organization, secret: str) -> None:
    start = threading.Barrier(6)
    path = f"/api-keys/{ApiKey.objects.get().pk}/rotate"
    alice = factories.make_admin_api(acme)
    answers: list[HttpResponse] = []

    def send() -> None:
        start.wait()
        answers.append(Api(alice.headers["Authorization"][7:]).post(path, {}))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    [winner] = [answer for answer in answers if answer.status_code == 200]
    assert may_read(read_body(winner)["secret"])
    assert may_read(secret)


def test_the_previous_secret_is_not_stored(acme: Organization, secret: str) -> None:
    rotate(acme)

    key = ApiKey.objects.get()
    assert secret not in str(vars(key))
    assert key.previous_digest == key_memory.hash_secret(secret)
