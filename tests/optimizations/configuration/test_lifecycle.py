"""The state machine: every move there is, every move there is not, and what they bring."""

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

TABLE = {
    "draft": {"live", "archived", "deleted"},
    "live": {"paused", "shipped", "completed", "archived"},
    "paused": {"live", "completed", "archived"},
    "shipped": {"live", "completed"},
    "completed": {"archived"},
    "archived": {"deleted"},
}
WAYS = {
    "draft": [],
    "live": ["live"],
    "paused": ["live", "paused"],
    "shipped": ["live", "shipped"],
    "completed": ["live", "completed"],
    "archived": ["live", "archived"],
}
MOVES = [pair for pair in itertools.product(TABLE, TABLE) if pair[0] != pair[1]]


def _in_status(organization: Organization, status: str) -> Optimization:
    metric = optimization_factories.make_metric(organization)
    optimization = optimization_factories.make_optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    for step in WAYS[status]:
        optimization = lifecycle.change_status(optimization, step, SYSTEM_ACTOR)
    return optimization


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_every_move_is_made_or_refused_as_the_table_says(
    before: str, after: str
) -> None:
    optimization = _in_status(optimization_factories.make_organization(), before)
    audited = AuditEntry.objects.count()

    if after in TABLE[before]:
        moved = lifecycle.change_status(optimization, after, SYSTEM_ACTOR)
        assert moved.status == after
        assert AuditEntry.objects.count() == audited + 1
        return
    with pytest.raises(ConflictError) as refused:
        lifecycle.change_status(optimization, after, SYSTEM_ACTOR)

    optimization.refresh_from_db()
    assert optimization.status == before
    assert AuditEntry.objects.count() == audited
    for way in TABLE[before]:
        assert way in refused.value.message


@pytest.mark.parametrize("status", TABLE)
def test_a_never_served_one_is_deleted_for_real_unless_live(status: str) -> None:
    optimization = _in_status(optimization_factories.make_organization(), status)

    if status == "live":
        with pytest.raises(ConflictError):
            lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)
        assert Optimization.objects.filter(pk=optimization.pk).exists()
        return
    lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)

    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert AuditEntry.objects.filter(action="optimization.delete").exists()


@pytest.mark.parametrize("status", [one for one in TABLE if one != "draft"])
def test_one_that_served_is_hidden_once_archived_and_kept_before(status: str) -> None:
    optimization = _in_status(optimization_factories.make_organization(), status)
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
    ("deed", "before", "after"),
    [
        ("ship", "live", "shipped"),
        ("stop", "live", "completed"),
        ("archive", "completed", "archived"),
        ("archive", "draft", "archived"),
    ],
)
def test_admins_ship_stop_and_archive_and_members_do_not(
    deed: str, before: str, after: str
) -> None:
    organization = optimization_factories.make_organization()
    optimization = _in_status(organization, before)
    place = f"/optimizations/{optimization.pk}"

    refused = make_member_api(organization).post(f"{place}/{deed}")
    by_patch = make_member_api(organization).patch(place, {"status": after})
    optimization.refresh_from_db()
    assert (refused.status_code, by_patch.status_code) == (403, 403)
    assert optimization.status == before

    done = make_admin_api(organization).post(f"{place}/{deed}")
    assert (done.status_code, read_body(done)["status"]) == (200, after)


def test_members_pause_and_resume_by_patch() -> None:
    organization = optimization_factories.make_organization()
    optimization = _in_status(organization, "live")
    api = make_member_api(organization)
    place = f"/optimizations/{optimization.pk}"

    paused = api.patch(place, {"status": "paused"})
    resumed = api.patch(place, {"status": "live"})
    refused = api.delete(place)

    assert read_body(paused)["status"] == "paused"
    assert read_body(resumed)["status"] == "live"
    assert refused.status_code == 403


def test_a_refused_move_over_http_names_the_moves_there_are() -> None:
    organization = optimization_factories.make_organization()
    optimization = _in_status(organization, "shipped")

    response = make_admin_api(organization).post(
        f"/optimizations/{optimization.pk}/archive"
    )

    assert response.status_code == 409
    assert "live or completed" in read_error(response)["message"]


def test_going_live_starts_the_policy_and_the_first_regime_once() -> None:
    optimization = _in_status(optimization_factories.make_organization(), "live")
    again = lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    again = lifecycle.resume_optimization(again, SYSTEM_ACTOR)

    version = PolicyVersion.objects.get()
    regime = Regime.objects.get()
    assert (version.number, version.enabled) == (0, [1, 2, 3, 4])
    assert (regime.number, regime.starts_at) == (1, again.went_live_at)
    assert (regime.holdout_percentage, regime.enabled) == (10.0, [1, 2, 3, 4])


def test_each_change_that_counts_opens_a_regime_and_no_other() -> None:
    organization = optimization_factories.make_organization()
    optimization = _in_status(organization, "live")

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
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)

    found = Regime.objects.order_by("number").values_list(
        "number", "reason", "holdout_percentage", "enabled"
    )
    assert list(found) == [
        (1, "went live", 10.0, [1, 2, 3, 4]),
        (2, "holdout changed", 20.0, [1, 2, 3, 4]),
        (3, "variants changed", 20.0, [1, 2, 3]),
        (4, "variants changed", 20.0, [1, 3]),
        (5, "shipped", 0.0, [1, 3]),
        (6, "unshipped", 20.0, [1, 3]),
    ]


def test_a_changed_metric_or_warehouse_is_followed_by_a_regime() -> None:
    organization = optimization_factories.make_organization()
    optimization = _in_status(organization, "live")
    assert regimes.open_regime_if_changed(optimization) is False

    metric = optimization.reward_metric
    assert metric is not None
    metric.revision += 1
    metric.save()
    followed = regimes.open_regime_if_changed(optimization)
    Connection.objects.create(organization=organization, provider="postgres")
    moved = regimes.open_regime_if_changed(optimization)

    assert (followed, moved, regimes.open_regime_if_changed(optimization)) == (
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
    optimization = _in_status(organization, "draft")
    Connection.objects.create(organization=organization, provider="bigquery")

    response = make_member_api(organization).patch(
        f"/optimizations/{optimization.pk}", {"status": "live"}
    )

    assert response.status_code == 409
    assert "assignment source" in read_error(response)["message"]
    assert not PolicyVersion.objects.exists()
    assert not Regime.objects.exists()


@pytest.mark.parametrize("status", ["shipped", "completed", "archived"])
def test_after_the_end_only_names_change(status: str) -> None:
    organization = optimization_factories.make_organization()
    optimization = _in_status(organization, status)
    api = make_member_api(organization)
    place = f"/optimizations/{optimization.pk}"

    named = api.patch(place, {"name": "Kept"})
    refused = api.patch(place, {"holdout_percentage": 5})

    assert (named.status_code, refused.status_code) == (200, 409)
    optimization.refresh_from_db()
    assert (optimization.name, optimization.holdout_percentage) == ("Kept", 10.0)


def test_times_of_the_life_are_kept() -> None:
    optimization = _in_status(optimization_factories.make_organization(), "shipped")

    ended = lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)

    assert ended.went_live_at
    assert ended.shipped_at
    assert ended.ended_at
    assert timezone.now() - ended.ended_at < timedelta(minutes=1)


def test_a_shipment_undone_leaves_no_time_of_shipping() -> None:
    optimization = _in_status(optimization_factories.make_organization(), "shipped")

    undone = lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)

    assert undone.shipped_at is None
    assert undone.went_live_at
