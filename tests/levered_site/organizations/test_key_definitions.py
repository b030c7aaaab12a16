"""Scopes, bounds and expiry of API keys: what is accepted, and what may change."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.models import ApiKey, AuditEntry
from optimizations.models import Optimization
from tests.support import factories, optimization_factories
from tests.support.factories import Api, read_body, read_error

pytestmark = pytest.mark.django_db
PURCHASE = {"name": "purchase", "min": 0, "max": 1}


@pytest.fixture
def alice() -> Api:
    """An admin of an organization of her own."""
    return factories.make_admin_api(factories.make_organization())


@pytest.fixture
def optimization() -> Optimization:
    """A live optimization in an organization of its own."""
    return optimization_factories.make_live_optimization()


# --- what is accepted


def test_a_key_without_scopes_may_ingest(alice: Api) -> None:
    created = read_body(alice.post("/api-keys", {"label": "old client"}))

    assert created["scopes"] == ["ingest"]
    assert (created["expires_at"], created["public_key"]) == (None, None)


def test_a_key_has_the_scopes_and_the_expiry_that_were_asked_for(alice: Api) -> None:
    expiry = timezone.now().replace(microsecond=0) + timedelta(days=90)
    body = {
        "label": "CI",
        "scopes": ["write", "serve", "write"],
        "expires_at": expiry.isoformat(),
    }

    created = read_body(alice.post("/api-keys", body))

    assert created["scopes"] == ["serve", "write"]
    assert datetime.fromisoformat(created["expires_at"]) == expiry
    shown = read_body(alice.get(f"/api-keys/{created['id']}"))
    assert shown["scopes"] == ["serve", "write"]
    assert "secret" not in shown
    assert (shown["last_used_at"], shown["rotation"]) == (None, None)
    [listed] = read_body(alice.get("/api-keys"))["api_keys"]
    assert listed.items() <= shown.items()
    entry = AuditEntry.objects.get(action="api_key.make")
    assert entry.changes["scopes"] == ["serve", "write"]


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"scopes": ["reed"]}, "scopes[0]", "ingest, serve, read, write, track"),
        ({"scopes": ["read", 5]}, "scopes[1]", "must be one of"),
        ({"scopes": []}, "scopes", "ingest, serve, read, write, track"),
        ({"scopes": "read"}, "scopes", "list"),
        ({"scopes": None}, "scopes", "null"),
        ({"scopes": ["track", "read"]}, "scopes", "cannot be combined"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at", "in the future"),
        ({"expires_at": "soon"}, "expires_at", ""),
        ({"expires_at": 5}, "expires_at", ""),
        ({"rewards": [PURCHASE]}, "rewards", "`track`"),
        ({"scopes": ["read"], "origins": []}, "origins", "`track`"),
        ({"expires": None}, "expires", "unknown field"),
    ],
)
def test_an_invalid_scope_or_expiry_is_named_with_what_is_valid(
    alice: Api, fields: dict[str, Any], field: str, part: str
) -> None:
    refused = alice.post("/api-keys", {"label": "x", **fields})

    error = read_error(refused)
    assert (refused.status_code, error["code"]) == (400, "invalid_parameters")
    [problem] = error["details"]
    assert problem["field"] == field
    assert part in problem["message"]
    assert not ApiKey.objects.exists()


# --- publishable keys


def test_a_publishable_key_is_shown_again(alice: Api) -> None:
    body = {
        "label": "shop page",
        "scopes": ["track"],
        "rewards": [PURCHASE],
        "origins": ["HTTPS://Shop.example:443", "https://*.brand.example"],
    }

    created = read_body(alice.post("/api-keys", body))

    assert created["secret"].startswith("lev_pub_")
    assert created["public_key"] == created["secret"]
    assert created["secret"].startswith(created["prefix"])
    assert len(created["prefix"]) == len("lev_pub_") + 8
    shown = read_body(alice.get(f"/api-keys/{created['id']}"))
    assert shown["public_key"] == created["secret"]
    assert shown["rewards"] == [{"name": "purchase", "min": 0.0, "max": 1.0}]
    assert shown["origins"] == ["https://shop.example", "https://*.brand.example"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"rewards": [{"name": "a", "min": 0}]}, "rewards[0].max"),
        ({"rewards": [{"name": "", "min": 0, "max": 1}]}, "rewards[0].name"),
        ({"rewards": [{"name": "a", "min": "0", "max": 1}]}, "rewards[0].min"),
        ({"rewards": [{"name": "a", "min": 2, "max": 1}]}, "rewards[0].max"),
        ({"rewards": [{"name": "a", "min": 0, "max": 1e16}]}, "rewards[0].max"),
        ({"rewards": [{**PURCHASE, "type": "x"}]}, "rewards[0].type"),
        ({"rewards": [PURCHASE, PURCHASE]}, "rewards"),
        ({"rewards": [PURCHASE] * 101}, "rewards"),
        ({"rewards": "purchase"}, "rewards"),
        ({"origins": ["https://shop.example", "shop.example"]}, "origins[1]"),
        ({"origins": ["https://shop.example/path"]}, "origins[0]"),
        ({"origins": ["https://*.com"]}, "origins[0]"),
        ({"origins": ["*"]}, "origins[0]"),
        ({"origins": [5]}, "origins[0]"),
        ({"origins": "https://shop.example"}, "origins"),
    ],
)
def test_invalid_bounds_and_origins_are_named(
    alice: Api, fields: dict[str, Any], field: str
) -> None:
    refused = alice.post("/api-keys", {"label": "x", "scopes": ["track"], **fields})

    error = read_error(refused)
    assert (refused.status_code, error["code"]) == (400, "invalid_parameters")
    assert [problem["field"] for problem in error["details"]] == [field]
    assert not ApiKey.objects.exists()


def test_a_reward_that_is_no_object_is_refused_with_an_example(alice: Api) -> None:
    body = {"label": "x", "scopes": ["track"], "rewards": ["signup"]}

    (problem,) = read_error(alice.post("/api-keys", body))["details"]

    assert problem["field"].startswith("rewards[0]")
    assert 'an object such as {"name": "signup", ' in problem["message"]


# --- changes


def test_the_origins_and_bounds_of_a_publishable_key_may_change(alice: Api) -> None:
    new_key = {"label": "page", "scopes": ["track"], "rewards": [PURCHASE]}
    created = read_body(alice.post("/api-keys", new_key))
    path = f"/api-keys/{created['id']}"
    signup = {"name": "signup", "min": 1, "max": 1}

    changed = alice.patch(
        path, {"rewards": [PURCHASE, signup], "origins": ["https://shop.example"]}
    )

    body = read_body(changed)
    assert changed.status_code == 200
    assert [reward["name"] for reward in body["rewards"]] == ["purchase", "signup"]
    assert body["origins"] == ["https://shop.example"]
    assert body["public_key"] == created["public_key"]
    assert body["label"] == "page"
    entry = AuditEntry.objects.get(action="api_key.change")
    assert set(entry.changes) == {"rewards", "origins"}


def test_a_change_is_seen_at_once_by_the_process_that_made_it(
    optimization: Optimization,
) -> None:
    reader = Api(factories.make_api_key(optimization.organization, scopes=["read"]))
    alice = factories.make_admin_api(optimization.organization)
    path = f"/api-keys/{ApiKey.objects.get().pk}"
    ApiKey.objects.update(expires_at=timezone.now())
    assert reader.get("/me").status_code == 401

    alice.patch(path, {"expires_at": "2200-01-01T00:00:00Z"})

    assert reader.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": ["write"]}, "scopes"),
        ({"secret": "lev_x"}, "secret"),
        ({"label": ""}, "label"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"rewards": [PURCHASE]}, "rewards"),
        ({"rewards": [{"name": "purchase", "min": 0}]}, "rewards[0].max"),
        ({"origins": ["https://shop.example"]}, "origins"),
    ],
)
def test_what_may_not_change_is_named(
    optimization: Optimization, fields: dict[str, Any], field: str
) -> None:
    Api(factories.make_api_key(optimization.organization, scopes=["read"]))
    alice = factories.make_admin_api(optimization.organization)

    refused = alice.patch(f"/api-keys/{ApiKey.objects.get().pk}", fields)

    assert refused.status_code == 400
    assert [item["field"] for item in read_error(refused)["details"]] == [field]
