"""The audit log over HTTP: who changed what, with the values before and after."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from levered_site.organizations import audit, audit_log, staff_memberships
from levered_site.organizations.actors import SYSTEM_ACTOR, Actor
from levered_site.organizations.models import AuditEntry, Organization
from optimizations.configuration import create_update
from optimizations.models import Optimization
from tests.support import factories
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_metric, make_optimization

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organization:
    return factories.make_organization()


@pytest.fixture
def admin(acme: Organization) -> Api:
    return factories.make_admin_api(acme)


@pytest.fixture
def optimization(acme: Organization) -> Optimization:
    return make_optimization(acme)


def list_entries(api: Api, **filters: Any) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    response = api.get(f"/audit?limit=100&{query}")
    assert response.status_code == 200, response.content
    entries: list[dict[str, Any]] = read_body(response)["audit_entries"]
    return entries


def read_changes(api: Api, **filters: Any) -> list[tuple[Any, ...]]:
    """Return action, before and after of entries, the oldest first."""
    return [
        (entry["action"], entry["before"], entry["after"])
        for entry in reversed(list_entries(api, **filters))
    ]


def test_an_entry_says_who_did_what_to_what(
    acme: Organization, admin: Api, optimization: Optimization
) -> None:
    answer = factories.make_member_api(acme).patch(
        f"/optimizations/{optimization.pk}", {"name": "New", "exploration_share": 0.01}
    )

    (entry,) = list_entries(admin, action="optimization.change")

    assert entry["actor"] == {"kind": "user", "id": "user_bob"}
    assert entry["target"] == {
        "type": "optimization",
        "id": str(optimization.pk),
        "name": "New",
    }
    assert (entry["before"], entry["after"]) == (
        {"name": "Landing page"},
        {"name": "New"},
    )
    assert entry["request_id"] == answer["X-Request-Id"]
    assert entry["unavailable"] == {}


def test_changes_of_an_optimization_have_their_values_before(
    acme: Organization, admin: Api, optimization: Optimization
) -> None:
    guard = make_metric(acme)
    path = f"/optimizations/{optimization.pk}"
    admin.patch(path, {"guardrail_metric_ids": [str(guard.pk)]})
    admin.patch(f"{path}/variants/2", {"enabled": False})
    admin.patch(path, {"status": "paused"})
    create_update.exclude_users(optimization, ["bot-*"], SYSTEM_ACTOR)
    admin.put(f"{path}/candidate", {"exploration_share": 0.05})
    admin.put(f"{path}/candidate", {"exploration_share": 0.1})
    admin.delete(f"{path}/candidate")
    admin.post(f"{path}/archive")
    admin.post(f"{path}/unarchive")

    created, *changes = read_changes(admin, target_id=optimization.pk)

    assert created[0] == "optimization.create"
    assert (created[1], created[2]["name"]) == ({}, "Landing page")
    known = [change for change in changes if change[0] != "optimization.go_live"]
    enabled = {"variant": '{"cta":true,"headline":"A"}', "number": 2}
    settings = {"allocation": "default", "ignored_context_factors": []}
    assert known == [
        (
            "optimization.change",
            {"guardrail_metric_ids": []},
            {"guardrail_metric_ids": [str(guard.pk)]},
        ),
        ("variant.disable", {"enabled": True}, enabled | {"enabled": False}),
        ("optimization.pause", {"status": "live"}, {"status": "paused"}),
        (
            "optimization.change",
            {"excluded_users": []},
            {"excluded_users": ["bot-*"]},
        ),
        ("candidate.put", {}, settings | {"exploration_share": 0.05}),
        ("candidate.put", {"exploration_share": 0.05}, {"exploration_share": 0.1}),
        ("candidate.discard", settings | {"exploration_share": 0.1}, {}),
        ("optimization.archive", {"status": "paused"}, {"status": "archived"}),
        ("optimization.unarchive", {"status": "archived"}, {"status": "paused"}),
    ]
    (live,) = [change for change in changes if change[0] == "optimization.go_live"]
    assert live[1:] == ({"status": "draft"}, {"status": "live"})


def test_a_changed_draft_has_its_design_before(acme: Organization, admin: Api) -> None:
    draft = make_optimization(acme, status="draft")
    before = draft.model.training_data_config
    config = {
        "reward": {"name": "purchase", "type": "bool"},
        "design_factors": [{"name": "color", "levels": ["red", "green"]}],
    }

    admin.patch(f"/optimizations/{draft.pk}", {"training_data_config": config})

    (entry,) = list_entries(admin, action="optimization.change")
    assert entry["before"] == {"training_data_config": before}
    (factor,) = entry["after"]["training_data_config"]["design_factors"]
    assert factor["name"] == "color"


def test_changes_of_a_metric_have_their_values_before(
    acme: Organization, admin: Api
) -> None:
    metric = make_metric(acme, name="Purchases")
    path = f"/warehouse/metrics/{metric.pk}"
    admin.patch(path, {"name": "Orders", "direction": "increase"})
    admin.delete(path)

    redefined, forgotten = read_changes(admin, target_type="metric")

    assert redefined == (
        "metric.redefine",
        {"name": "Purchases"},
        {"name": "Orders"},
    )
    assert forgotten[0] == "metric.forget"
    assert (forgotten[1]["name"], forgotten[1]["sql"]) == ("Orders", metric.sql)
    assert forgotten[2] == {}


def test_changes_of_keys_have_their_values_before_and_no_secret(admin: Api) -> None:
    body = {"label": "backend", "scopes": ["ingest"]}
    made = read_body(admin.post("/api-keys", body))
    path = f"/api-keys/{made['id']}"
    admin.patch(path, {"label": "shop"})
    rotated = read_body(admin.post(f"{path}/rotate", {"overlap_hours": 0}))
    admin.delete(path)

    response = admin.get("/audit?action=api_key")
    changes = read_changes(admin, action="api_key")

    assert changes[1:] == [
        ("api_key.change", {"label": "backend"}, {"label": "shop"}),
        (
            "api_key.rotate",
            {"prefix": made["prefix"]},
            {"prefix": rotated["prefix"], "overlap_ends_at": None},
        ),
        ("api_key.revoke", {}, {}),
    ]
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in response.content.decode()
    assert {entry["target"]["type"] for entry in list_entries(admin)} == {"api_key"}


def test_changes_of_staff_have_their_role_before(
    acme: Organization, admin: Api
) -> None:
    user = User.objects.create(username="ann")
    root = Actor("staff", "root")
    membership = staff_memberships.grant_role(acme, user, "viewer", root)
    staff_memberships.change_role(membership, "editor", root, may_orphan=True)
    staff_memberships.remove_membership(membership, root, may_orphan=True)

    assert read_changes(admin, actor="staff:root") == [
        ("staff_membership.create", {}, {"user": "ann", "role": "viewer"}),
        (
            "staff_membership.update",
            {"role": "viewer"},
            {"user": "ann", "role": "editor"},
        ),
        ("staff_membership.delete", {"role": "editor"}, {"user": "ann", "role": None}),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_connection_has_what_was_connected_before(
    acme: Organization, admin: Api
) -> None:
    assert (
        admin.post("/warehouse/connections", {"provider": "managed"}).status_code == 201
    )
    assert admin.delete("/warehouse/connections").status_code == 204

    connected, forgotten = read_changes(admin, target_type="connection")

    managed = {"provider": "managed", "project_id": "", "dataset_id": ""}
    assert connected == ("warehouse.connect", {}, managed)
    assert forgotten == ("warehouse.forget", managed, {})


def test_entries_of_earlier_versions_say_that_they_lack_what_was_before(
    acme: Organization, admin: Api, optimization: Optimization
) -> None:
    AuditEntry.objects.all().delete()
    for changes in (
        {"name": "New"},
        {"status": ["live", "paused"]},
        {"excluded_users": [["a"], ["a", "b"]]},
        {"excluded_users": ["a", "b"]},
    ):
        audit.record(
            acme.pk, SYSTEM_ACTOR, "optimization.change", optimization, changes
        )
    AuditEntry.objects.update(before=None)

    entries = list(reversed(list_entries(admin)))

    assert [(entry["before"], entry["after"]) for entry in entries] == [
        (None, {"name": "New"}),
        ({"status": "live"}, {"status": "paused"}),
        ({"excluded_users": ["a"]}, {"excluded_users": ["a", "b"]}),
        (None, {"excluded_users": ["a", "b"]}),
    ]
    unavailable = {"before": audit_log.NOT_RECORDED}
    assert [entry["unavailable"] for entry in entries] == [
        unavailable,
        {},
        {},
        unavailable,
    ]


def test_filters_find_entries_by_target_action_actor_and_time(
    acme: Organization, admin: Api, optimization: Optimization
) -> None:
    AuditEntry.objects.all().delete()
    metric = make_metric(acme)
    ann, ben = Actor("user", "ann"), Actor("key", "ann")
    now = timezone.now()
    rows = (
        (ann, "optimization.ship", optimization, now - timedelta(days=3)),
        (ben, "optimization.stop", optimization, now - timedelta(days=2)),
        (ann, "metric.redefine", metric, now - timedelta(days=1)),
    )
    for actor, action, target, at in rows:
        entry = audit.record(acme.pk, actor, action, target, {})
        AuditEntry.objects.filter(pk=entry.pk).update(created_at=at)

    def find(**filters: Any) -> list[str]:
        return [entry["action"] for entry in list_entries(admin, **filters)]

    newest_first = ["metric.redefine", "optimization.stop", "optimization.ship"]
    assert find() == newest_first
    assert find(target_type="metric") == ["metric.redefine"]
    assert find(target_id=optimization.pk) == newest_first[1:]
    assert find(action="optimization") == newest_first[1:]
    assert find(action="optimization.ship") == ["optimization.ship"]
    assert find(action="opt") == []
    assert find(actor="ann") == newest_first
    assert find(actor="user:ann") == ["metric.redefine", "optimization.ship"]
    assert find(actor="key:ann") == ["optimization.stop"]
    middle = (now - timedelta(days=2, hours=1)).isoformat().replace("+", "%2B")
    assert find(since=middle) == newest_first[:2]
    assert find(until=middle) == newest_first[2:]
    day = (now - timedelta(days=1, hours=12)).date()
    assert find(since=day) == [
        action for _, action, _, at in reversed(rows) if at.date() >= day
    ]
    assert find(actor="user:ann", action="metric", since=middle) == ["metric.redefine"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("target_type=person", "target_type"),
        ("target_id=", "target_id"),
        ("action=" + "x" * 65, "action"),
        ("actor=%00", "actor"),
        ("since=yesterday", "since"),
        ("until=5", "until"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("order_by=created_at", "order_by"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
    ],
)
def test_a_filter_that_is_not_valid_is_refused(
    admin: Api, query: str, field: str
) -> None:
    response = admin.get(f"/audit?{query}")

    assert response.status_code == 400, response.content
    assert read_error(response)["details"][0]["field"] == field


def test_entries_come_in_pages_newest_first(
    acme: Organization, admin: Api, optimization: Optimization
) -> None:
    AuditEntry.objects.all().delete()
    for number in range(5):
        changes = {"number": number}
        audit.record(acme.pk, SYSTEM_ACTOR, "variant.enable", optimization, changes)

    numbers, cursor = [], ""
    while cursor is not None:
        page = read_body(admin.get(f"/audit?action=variant&limit=2&cursor={cursor}"))
        numbers += [entry["after"]["number"] for entry in page["audit_entries"]]
        cursor = page["next_cursor"]

    assert numbers == [4, 3, 2, 1, 0]


def test_only_admins_read_it_and_only_that_of_their_organization(
    acme: Organization, optimization: Optimization
) -> None:
    AuditEntry.objects.create(  # of the installation
        organization=None,
        actor_kind="public",
        actor_id="192.0.2.1",
        action="staff.login_failed",
        target_type="auth.user",
        target_id="",
    )
    other = factories.make_organization()
    stranger = factories.make_admin_api(other)
    key = factories.make_api_key(acme, scopes=("read", "write"))
    AuditEntry.objects.filter(organization=other).delete()

    refused = [factories.make_member_api(acme), factories.Api(key)]

    assert list_entries(stranger) == []
    assert list_entries(stranger, target_id=optimization.pk) == []
    assert [api.get("/audit").status_code for api in refused] == [403, 403]
    actions = {
        entry["action"] for entry in list_entries(factories.make_admin_api(acme))
    }
    assert "optimization.create" in actions
    assert "staff.login_failed" not in actions


def test_an_entry_without_the_column_before_can_still_be_written(
    acme: Organization, admin: Api
) -> None:
    """Processes of the version before write on during an upgrade."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO organizations_auditentry (organization_id, actor_kind, actor_id, "
            "action, target_type, target_id, target_name, changes, request_id, created_at) "
            "VALUES (%s, 'user', 'ann', 'metric.redefine', 'metrics.metric', '1', 'm', "
            """'{"name": "x"}', '', now())""",
            [acme.pk],
        )

    (entry,) = list_entries(admin, action="metric")

    assert (entry["before"], entry["after"]) == (None, {"name": "x"})
