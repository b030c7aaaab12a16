"""The life cycle: allowed and refused status changes, and their effects."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry, Organization
from models_app.models import BanditModel, PolicyVersion
from optimizations.configuration import create_update, lifecycle, regimes
from optimizations.models import Assignment, Optimization, Regime
from tests.support import optimization_factories
from tests.support.factories import (
    make_admin_api,
    make_member_api,
    read_body,
    read_error,
)
from warehouse.models import Connection

pytestmark = pytest.mark.django_db

TRANSITIONS = {
    "draft": {"live", "archived", "deleted"},
    "live": {"paused", "shipped", "completed", "archived"},
    "paused": {"live", "completed", "archived"},
    "shipped": {"live", "completed"},
    "completed": {"archived"},
    "archived": {"deleted"},
}
STEPS = {
    "draft": [],
    "live": ["live"],
    "paused": ["live", "paused"],
    "shipped": ["live", "shipped"],
    "completed": ["live", "completed"],
    "archived": ["live", "archived"],
}
CHANGES = [
    pair for pair in itertools.product(TRANSITIONS, TRANSITIONS) if pair[0] != pair[1]
]


def _make_in_status(organization: Organization, status: str) -> Optimization:
    metric = optimization_factories.make_metric(organization)
    optimization = optimization_factories.make_optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    for step in STEPS[status]:
        optimization = lifecycle.change_status(
            optimization, step, SYSTEM_ACTOR, confirm=True
        )
    return optimization


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_every_status_change_is_made_or_refused_as_the_table_says(
    before: str, after: str
) -> None:
    optimization = _make_in_status(optimization_factories.make_organization(), before)
    audit_count = AuditEntry.objects.count()

    if after in TRANSITIONS[before]:
        moved = lifecycle.change_status(optimization, after, SYSTEM_ACTOR, confirm=True)
        assert moved.status == after
        assert AuditEntry.objects.count() == audit_count + 1
        return
    with pytest.raises(ConflictError) as refused:
        lifecycle.change_status(optimization, after, SYSTEM_ACTOR, confirm=True)

    optimization.refresh_from_db()
    assert optimization.status == before
    assert AuditEntry.objects.count() == audit_count
    for status in TRANSITIONS[before]:
        assert status in refused.value.message


@pytest.mark.parametrize("status", TRANSITIONS)
def test_an_optimization_that_never_served_is_deleted_unless_live(status: str) -> None:
    optimization = _make_in_status(optimization_factories.make_organization(), status)

    if status == "live":
        with pytest.raises(ConflictError):
            lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)
        assert Optimization.objects.filter(pk=optimization.pk).exists()
        return
    lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)

    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert AuditEntry.objects.filter(action="optimization.delete").exists()


@pytest.mark.parametrize(
    "status", [status for status in TRANSITIONS if status != "draft"]
)
def test_an_optimization_that_served_is_hidden_only_after_archiving(
    status: str,
) -> None:
    optimization = _make_in_status(optimization_factories.make_organization(), status)
    _serve(optimization)

    if status != "archived":
        with pytest.raises(ConflictError):
            lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)
        optimization.refresh_from_db()
        assert optimization.deleted_at is None
        return
    lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)

    optimization.refresh_from_db()
    assert optimization.deleted_at is not None
    assert Assignment.objects.exists()


def _serve(optimization: Optimization) -> None:
    Assignment.objects.create(
        optimization_id=optimization.pk,
        anonymous_id="u1",
        variant_number=1,
        in_holdout=False,
        policy_version=0,
        propensity=0.25,
        decided_at=timezone.now(),
        decision_id=1,
    )


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("ship", "live", "shipped"),
        ("stop", "live", "completed"),
        ("archive", "completed", "archived"),
        ("archive", "draft", "archived"),
    ],
)
def test_admins_ship_stop_and_archive_and_members_do_not(
    action: str, before: str, after: str
) -> None:
    organization = optimization_factories.make_organization()
    optimization = _make_in_status(organization, before)
    path = f"/optimizations/{optimization.pk}"

    refused = make_member_api(organization).post(f"{path}/{action}")
    by_patch = make_member_api(organization).patch(path, {"status": after})
    optimization.refresh_from_db()
    assert (refused.status_code, by_patch.status_code) == (403, 403)
    assert optimization.status == before

    body = {"confirm": True} if action == "ship" else None
    changed = make_admin_api(organization).post(f"{path}/{action}", body)
    assert (changed.status_code, read_body(changed)["status"]) == (200, after)


def test_members_pause_and_resume_by_patch() -> None:
    organization = optimization_factories.make_organization()
    optimization = _make_in_status(organization, "live")
    api = make_member_api(organization)
    path = f"/optimizations/{optimization.pk}"

    paused = api.patch(path, {"status": "paused"})
    resumed = api.patch(path, {"status": "live"})
    refused = api.delete(path)

    assert read_body(paused)["status"] == "paused"
    assert read_body(resumed)["status"] == "live"
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("before", "change", "possible"),
    [
        ("live", "be deleted", "become paused, shipped, completed or archived"),
        ("draft", "become paused", "become live or archived or be deleted"),
        ("archived", "become live", "be deleted"),
        ("completed", "be deleted", "become archived"),
    ],
)
def test_a_refusal_is_a_plain_sentence(before: str, change: str, possible: str) -> None:
    article = "An" if before == "archived" else "A"

    message = lifecycle._format_refusal(before, change)

    assert message == (
        f"{article} {before} optimization cannot {change}; it may {possible}."
    )


def test_a_refused_status_change_over_http_names_the_possible_ones() -> None:
    organization = optimization_factories.make_organization()
    optimization = _make_in_status(organization, "shipped")

    response = make_admin_api(organization).post(
        f"/optimizations/{optimization.pk}/archive"
    )

    assert response.status_code == 409
    assert "live or completed" in read_error(response)["message"]


def test_going_live_starts_the_policy_and_the_first_regime_once() -> None:
    optimization = _make_in_status(optimization_factories.make_organization(), "live")
    paused = lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    resumed = lifecycle.resume_optimization(paused, SYSTEM_ACTOR)

    version = PolicyVersion.objects.get()
    regime = Regime.objects.get()
    assert (version.number, version.enabled) == (0, [1, 2, 3, 4])
    assert (regime.number, regime.starts_at) == (1, resumed.went_live_at)
    assert (regime.holdout_percentage, regime.enabled) == (10.0, [1, 2, 3, 4])


def test_only_changes_of_holdout_variants_or_shipping_open_a_regime() -> None:
    organization = optimization_factories.make_organization()
    optimization = _make_in_status(organization, "live")

    def change(**fields: object) -> None:
        create_update.update_configuration(optimization, fields, SYSTEM_ACTOR)

    change(name="Other", exploration_share=0.1, allocation="uniform")
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)
    change(holdout_percentage=10.0)
    change(holdout_percentage=20.0)
    change(excluded_combinations=[{"headline": "B", "cta": True}])
    create_update.set_variant_enabled(optimization, 2, SYSTEM_ACTOR, enabled=False)
    create_update.set_variant_enabled(optimization, 4, SYSTEM_ACTOR, enabled=False)
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)

    rows = Regime.objects.order_by("number").values_list(
        "number", "reason", "holdout_percentage", "enabled"
    )
    assert list(rows) == [
        (1, "went live", 10.0, [1, 2, 3, 4]),
        (2, "holdout changed", 20.0, [1, 2, 3, 4]),
        (3, "variants changed", 20.0, [1, 2, 3]),
        (4, "variants changed", 20.0, [1, 3]),
        (5, "shipped", 0.0, [1]),
        (6, "unshipped", 20.0, [1, 3]),
    ]


def test_a_changed_metric_or_warehouse_opens_a_regime() -> None:
    organization = optimization_factories.make_organization()
    optimization = _make_in_status(organization, "live")
    assert regimes.open_regime_if_changed(optimization) is False

    metric = optimization.reward_metric
    assert metric is not None
    metric.revision += 1
    metric.save()
    metric_opened = regimes.open_regime_if_changed(optimization)
    Connection.objects.create(organization=organization, provider="postgres")
    warehouse_opened = regimes.open_regime_if_changed(optimization)

    assert (
        metric_opened,
        warehouse_opened,
        regimes.open_regime_if_changed(optimization),
    ) == (
        True,
        True,
        False,
    )
    last = Regime.objects.order_by("number").last()
    assert last is not None
    assert (last.number, last.metric_revision, last.warehouse) == (3, 2, "postgres")
    assert [span.number for span in regimes.list_spans(optimization)] == [1, 2, 3]
    assert regimes.list_spans(optimization)[0].holdout_threshold == "1999999a"


def test_a_connected_warehouse_needs_an_assignment_source_to_go_live() -> None:
    organization = optimization_factories.make_organization()
    optimization = _make_in_status(organization, "draft")
    Connection.objects.create(organization=organization, provider="bigquery")

    response = make_member_api(organization).patch(
        f"/optimizations/{optimization.pk}", {"status": "live"}
    )

    assert response.status_code == 409
    assert "assignment source" in read_error(response)["message"]
    assert not PolicyVersion.objects.exists()
    assert not Regime.objects.exists()


@pytest.mark.parametrize("status", ["shipped", "completed", "archived"])
def test_after_the_end_the_name_may_change_and_the_holdout_may_not(status: str) -> None:
    organization = optimization_factories.make_organization()
    optimization = _make_in_status(organization, status)
    api = make_member_api(organization)
    path = f"/optimizations/{optimization.pk}"

    renamed = api.patch(path, {"name": "Kept"})
    refused = api.patch(path, {"holdout_percentage": 5})

    assert (renamed.status_code, refused.status_code) == (200, 409)
    optimization.refresh_from_db()
    assert (optimization.name, optimization.holdout_percentage) == ("Kept", 10.0)


def test_the_times_of_status_changes_are_stored() -> None:
    optimization = _make_in_status(
        optimization_factories.make_organization(), "shipped"
    )

    ended = lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)

    assert ended.went_live_at
    assert ended.shipped_at
    assert ended.ended_at
    assert timezone.now() - ended.ended_at < timedelta(minutes=1)


def test_undoing_a_shipment_clears_its_time() -> None:
    optimization = _make_in_status(
        optimization_factories.make_organization(), "shipped"
    )

    undone = lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)

    assert undone.shipped_at is None
    assert undone.went_live_at
