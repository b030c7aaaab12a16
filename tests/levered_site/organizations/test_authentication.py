"""Authentication by token and key, and members created by a first token."""

import threading
from datetime import datetime

import pytest
from django.db import connection
from django.http import HttpRequest

from levered_site.errors import UnauthorizedError
from levered_site.organizations import (
    api_keys,
    authentication,
    key_lookup,
    key_memory,
    members,
    tokens,
)
from levered_site.organizations.actors import Caller, KeyHolder
from levered_site.organizations.models import ApiKey, Member, Organization
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_me_returns_the_caller() -> None:
    acme = factories.make_organization("Acme")
    alice = factories.make_admin_api(acme)

    body = factories.read_body(alice.get("/me"))

    assert body["user_id"] == "user_alice"
    assert body["role"] == "admin"
    assert body["organization"] == {"id": acme.pk, "name": "Acme"}
    assert body["meta"]["organization_id"] == acme.pk


def test_the_first_token_of_an_organization_creates_it() -> None:
    token = tokens.issue_token("org_new", "member", user_id="user_first")

    answer = factories.Api(token).get("/me")

    assert answer.status_code == 200
    assert Organization.objects.get().pk == "org_new"
    member = Member.objects.get()
    assert (member.user_id, member.role) == ("user_first", "member")


def test_a_token_with_another_role_changes_the_member() -> None:
    acme = factories.make_organization()
    factories.member_token(acme, "user_bob")

    factories.Api(factories.admin_token(acme, "user_bob")).get("/me")

    assert Member.objects.get().role == "admin"


def _read_last_seen() -> datetime:
    moment = Member.objects.get().last_seen_at
    assert moment is not None
    return moment


def test_last_seen_is_written_at_most_once_a_minute() -> None:
    acme = factories.make_organization()
    bob = factories.make_member_api(acme)
    first = _read_last_seen()

    bob.get("/me")

    assert _read_last_seen() == first
    Member.objects.update(last_seen_at=first - members.LAST_SEEN_INTERVAL * 2)
    bob.get("/me")
    assert _read_last_seen() > first


@pytest.mark.django_db(transaction=True)
def test_twenty_first_tokens_at_once_create_one_organization() -> None:
    token = tokens.issue_token("org_race", "admin")
    start = threading.Barrier(20)
    statuses: list[int] = []

    def first() -> None:
        start.wait()
        statuses.append(factories.Api(token).get("/me").status_code)
        connection.close()

    threads = [threading.Thread(target=first) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 20
    assert Organization.objects.count() == Member.objects.count() == 1


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Token x", "Bearer x", "Bearer a.b.c"],
)
def test_a_missing_or_invalid_token_is_a_401(header: str) -> None:
    answer = factories.Api().get("/me", Authorization=header)

    assert factories.read_error(answer)["code"] == "unauthorized"
    assert answer["WWW-Authenticate"] == "Bearer"


def _request(**headers: str) -> HttpRequest:
    request = HttpRequest()
    request.META.update(headers)
    return request


def test_a_key_is_read_from_either_header() -> None:
    acme = factories.make_organization()
    secret = factories.make_api_key(acme)
    key = ApiKey.objects.get()

    holders = [
        authentication.authenticate_key_holder(_request(HTTP_X_API_KEY=secret)),
        authentication.authenticate_key_holder(
            _request(HTTP_AUTHORIZATION=f"bearer {secret}")
        ),
    ]

    assert holders == [KeyHolder(acme.pk, str(key.pk), frozenset({"ingest"}))] * 2


def test_tokens_and_revoked_keys_are_refused_on_ingestion() -> None:
    acme = factories.make_organization()
    token = factories.admin_token(acme)
    secret = factories.make_api_key(acme)
    ApiKey.objects.get(digest=key_memory.hash_secret(secret))
    api_keys.revoke_key(
        ApiKey.objects.get(), Caller(acme.pk, "user_alice", "admin").actor
    )

    for credential in (token, secret, "lev_", "lev_unknown", "lev_é", ""):
        with pytest.raises(UnauthorizedError):
            authentication.authenticate_key_holder(_request(HTTP_X_API_KEY=credential))

    assert ApiKey.objects.get().last_used_at is None


def _read_last_used() -> datetime:
    moment = ApiKey.objects.get().last_used_at
    assert moment is not None
    return moment


def test_the_use_of_a_key_is_written_at_most_once_a_minute() -> None:
    secret = factories.make_api_key(factories.make_organization())
    digest = key_memory.hash_secret(secret)

    key_lookup.load_holder(secret)
    first = _read_last_used()
    key_memory.forget(digest)
    key_lookup.load_holder(secret)

    assert _read_last_used() == first
    ApiKey.objects.update(last_used_at=first - key_lookup.LAST_USED_INTERVAL * 2)
    key_memory.forget(digest)
    key_lookup.load_holder(secret)
    assert _read_last_used() > first
