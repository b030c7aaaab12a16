"""Scopes and expiry of API keys: what is accepted, and what a key may then do."""

from datetime import UTC, datetime, timedelta
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


def make_client(optimization: Optimization, *scopes: str) -> Api:
    """Make a client with a key of the optimization's organization."""
    return Api(factories.make_api_key(optimization.organization, scopes=scopes))


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
    reader = make_client(optimization, "read")
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
    make_client(optimization, "read")
    alice = factories.make_admin_api(optimization.organization)

    refused = alice.patch(f"/api-keys/{ApiKey.objects.get().pk}", fields)

    assert refused.status_code == 400
    assert [item["field"] for item in read_error(refused)["details"]] == [field]


# --- what a key may do


@pytest.mark.parametrize(
    "path",
    [
        "/optimizations",
        "/optimizations/{pk}",
        "/optimizations/{pk}/results",
        "/optimizations/{pk}/report-data",
        "/optimizations/{pk}/outcome-mix",
        "/optimizations/{pk}/observations",
        "/models",
        "/models/{model}/policy",
        "/models/{model}/state",
        "/warehouse/metrics",
        "/api-keys",
    ],
)
def test_a_key_that_may_read_gets_what_a_member_gets(
    optimization: Optimization, path: str
) -> None:
    path = path.format(pk=optimization.pk, model=optimization.model_id)
    reader = make_client(optimization, "read")
    reader.get("/me")  # writes last_used_at, which /api-keys shows
    by_member = factories.make_member_api(optimization.organization).get(path)

    by_key = reader.get(path)

    assert by_key.status_code == by_member.status_code == 200
    ignored = {"meta", "as_of"}
    assert {k: v for k, v in read_body(by_key).items() if k not in ignored} == {
        k: v for k, v in read_body(by_member).items() if k not in ignored
    }


def test_me_says_that_it_is_a_key(optimization: Optimization) -> None:
    reader = make_client(optimization, "read")

    me = read_body(reader.get("/me"))

    key = ApiKey.objects.get()
    assert (me["user_id"], me["role"]) == (None, None)
    assert me["organization"]["id"] == optimization.organization_id
    assert (me["api_key"]["id"], me["api_key"]["scopes"]) == (str(key.pk), ["read"])


def test_a_key_is_taken_from_either_header(optimization: Optimization) -> None:
    secret = factories.make_api_key(optimization.organization, scopes=("read",))

    answers = [
        Api(secret).get("/me"),
        Api().get("/me", Authorization=f"bearer {secret}"),
        Api().get("/me", X_API_Key=secret),
    ]

    assert [answer.status_code for answer in answers] == [200] * 3


def test_beside_a_persons_token_a_key_is_ignored(optimization: Optimization) -> None:
    member = factories.make_member_api(optimization.organization)

    me = read_body(member.get("/me", X_API_Key="lev_unknown"))

    assert me["user_id"] == "user_bob"


def test_a_key_that_may_write_acts_under_its_own_name(
    optimization: Optimization,
) -> None:
    writer = make_client(optimization, "write")

    changed = writer.patch(f"/optimizations/{optimization.pk}", {"name": "Mine"})

    assert changed.status_code == 200
    entry = AuditEntry.objects.get(action="optimization.change")
    assert (entry.actor_kind, entry.actor_id) == ("key", str(ApiKey.objects.get().pk))


def test_a_key_that_may_write_creates_metrics_and_trains(
    optimization: Optimization, settings: Any
) -> None:
    settings.TRAIN_WAIT_SECONDS = 0.0
    writer = make_client(optimization, "write")
    metric = {
        "name": "purchases",
        "sql": optimization_factories.SQL,
        "column_mapping": {
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            "reward_type": "bool",
        },
    }

    created = writer.post("/warehouse/metrics", metric)
    trained = writer.post(f"/models/{optimization.model_id}/train")

    assert created.status_code == 201, created.content
    assert trained.status_code in {200, 202}, trained.content


@pytest.mark.parametrize("status", ["shipped", "completed", "archived"])
def test_a_key_ships_nothing_by_a_patch(
    optimization: Optimization, status: str
) -> None:
    writer = make_client(optimization, "read", "write", "serve", "ingest")

    refused = writer.patch(f"/optimizations/{optimization.pk}", {"status": status})

    optimization.refresh_from_db()
    assert (refused.status_code, optimization.status) == (403, "live")


def test_a_repeat_with_a_key_gets_the_first_answer_whoever_sends_it(
    optimization: Optimization,
) -> None:
    """Idempotency keys belong to the organization, not to the credential."""
    writer = make_client(optimization, "write")
    member = factories.make_member_api(optimization.organization)
    body = optimization_factories.make_body()

    first = writer.post("/optimizations", body, Idempotency_Key="once")
    again = writer.post("/optimizations", body, Idempotency_Key="once")
    by_member = member.post("/optimizations", body, Idempotency_Key="once")

    ids = {read_body(answer)["id"] for answer in (first, again, by_member)}
    assert first.status_code == 201, first.content
    assert len(ids) == 1
    assert again["Idempotent-Replayed"] == by_member["Idempotent-Replayed"] == "true"


def test_ingestion_needs_the_scope_ingest(optimization: Optimization) -> None:
    reader = make_client(optimization, "read", "write")

    refused = reader.post("/ingest/rewards", {"events": []})

    error = read_error(refused)
    assert (refused.status_code, error["code"]) == (403, "forbidden")
    assert "`ingest`" in error["message"]
    assert "`read`, `write`" in error["message"]


# --- expiry


def test_an_expired_key_says_so(optimization: Optimization) -> None:
    reader = make_client(optimization, "read")
    expiry = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    ApiKey.objects.update(expires_at=expiry)

    refused = reader.get("/me")

    error = read_error(refused)
    assert (refused.status_code, error["code"]) == (401, "unauthorized")
    assert "expired at 2026-01-02T03:04:05Z" in error["message"]
    alice = factories.make_admin_api(optimization.organization)
    [listed] = read_body(alice.get("/api-keys"))["api_keys"]
    assert listed["expires_at"] == "2026-01-02T03:04:05Z"


def test_a_revoked_key_says_so(optimization: Optimization) -> None:
    reader = make_client(optimization, "read")
    alice = factories.make_admin_api(optimization.organization)
    assert reader.get("/me").status_code == 200

    alice.delete(f"/api-keys/{ApiKey.objects.get().pk}")

    refused = reader.get("/me")
    assert refused.status_code == 401
    assert "revoked" in read_error(refused)["message"]
