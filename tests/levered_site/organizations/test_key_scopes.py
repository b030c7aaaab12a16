"""Scopes and expiry of API keys: what a key may do, and until when."""

from datetime import UTC, datetime
from typing import Any

import pytest

from levered_site.organizations.models import ApiKey, AuditEntry
from optimizations.models import Optimization
from tests.support import factories, optimization_factories
from tests.support.factories import Api, read_body, read_error

pytestmark = pytest.mark.django_db


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
