"""The state machine: every move there is, every move there is not, and what they bring."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations.actors import SYSTEM
from levered_site.organizations.models import AuditEntry, Organization
from models_app.models import BanditModel, PolicyVersion
from optimizations.configuration import create_update, lifecycle, regimes
from optimizations.models import Assignment, Optimization, Regime
from tests.support import factories as house, optimization_factories
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
    metric = optimization_factories.metric(organization)
    optimization = optimization_factories.optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    for step in WAYS[status]:
        optimization = lifecycle.move(optimization, step, SYSTEM)
    return optimization


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_every_move_is_made_or_refused_as_the_table_says(
    before: str, after: str
) -> None:
    optimization = _in_status(optimization_factories.organization(), before)
    audited = AuditEntry.objects.count()

    if after in TABLE[before]:
        moved = lifecycle.move(optimization, after, SYSTEM)
        assert moved.status == after
        assert AuditEntry.objects.count() == audited + 1
        return
    with pytest.raises(ConflictError) as refused:
        lifecycle.move(optimization, after, SYSTEM)

    optimization.refresh_from_db()
    assert optimization.status == before
    assert AuditEntry.objects.count() == audited
    for way in TABLE[before]:
        assert way in refused.value.message


@pytest.mark.parametrize("status", TABLE)
def test_a_never_served_one_is_deleted_for_real_unless_live(status: str) -> None:
    optimization = _in_status(optimization_factories.organization(), status)

    if status == "live":
        with pytest.raises(ConflictError):
            lifecycle.delete(optimization, SYSTEM)
        assert Optimization.objects.filter(pk=optimization.pk).exists()
        return
    lifecycle.delete(optimization, SYSTEM)

    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert AuditEntry.objects.filter(action="optimization.delete").exists()


@pytest.mark.parametrize("status", [one for one in TABLE if one != "draft"])
def test_one_that_served_is_hidden_once_archived_and_kept_before(status: str) -> None:
    optimization = _in_status(optimization_factories.organization(), status)
    _serve(optimization)

    if status != "archived":
        with pytest.raises(ConflictError):
            lifecycle.delete(optimization, SYSTEM)
        optimization.refresh_from_db()
        assert optimization.deleted_at is None
        return
    lifecycle.delete(optimization, SYSTEM)

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
    organization = optimization_factories.organization()
    optimization = _in_status(organization, before)
    place = f"/optimizations/{optimization.pk}"

    refused = house.member_of(organization).post(f"{place}/{deed}")
    by_patch = house.member_of(organization).patch(place, {"status": after})
    optimization.refresh_from_db()
    assert (refused.status_code, by_patch.status_code) == (403, 403)
    assert optimization.status == before

    done = house.admin_of(organization).post(f"{place}/{deed}")
    assert (done.status_code, house.body_of(done)["status"]) == (200, after)


def test_members_pause_and_resume_by_patch() -> None:
    organization = optimization_factories.organization()
    optimization = _in_status(organization, "live")
    api = house.member_of(organization)
    place = f"/optimizations/{optimization.pk}"

    paused = api.patch(place, {"status": "paused"})
    resumed = api.patch(place, {"status": "live"})
    refused = api.delete(place)

    assert house.body_of(paused)["status"] == "paused"
    assert house.body_of(resumed)["status"] == "live"
    assert refused.status_code == 403


def test_a_refused_move_over_http_names_the_moves_there_are() -> None:
    organization = optimization_factories.organization()
    optimization = _in_status(organization, "shipped")

    response = house.admin_of(organization).post(
        f"/optimizations/{optimization.pk}/archive"
    )

    assert response.status_code == 409
    assert "live or completed" in house.error_of(response)["message"]


def test_going_live_starts_the_policy_and_the_first_regime_once() -> None:
    optimization = _in_status(optimization_factories.organization(), "live")
    again = lifecycle.pause(optimization, SYSTEM)
    again = lifecycle.resume(again, SYSTEM)

    version = PolicyVersion.objects.get()
    regime = Regime.objects.get()
    assert (version.number, version.enabled) == (0, [1, 2, 3, 4])
    assert (regime.number, regime.starts_at) == (1, again.went_live_at)
    assert (regime.holdout_percentage, regime.enabled) == (10.0, [1, 2, 3, 4])


def test_each_change_that_counts_opens_a_regime_and_no_other() -> None:
    organization = optimization_factories.organization()
    optimization = _in_status(organization, "live")

    def change(**fields: object) -> None:
        create_update.change(optimization, fields, SYSTEM)

    change(name="Other", exploration_share=0.1, allocation="uniform")
    lifecycle.pause(optimization, SYSTEM)
    lifecycle.resume(optimization, SYSTEM)
    change(holdout_percentage=10.0)
    change(holdout_percentage=20.0)
    change(excluded_combinations=[{"headline": "B", "cta": True}])
    create_update.set_variant_enabled(optimization, 2, SYSTEM, enabled=False)
    create_update.set_variant_enabled(optimization, 4, SYSTEM, enabled=False)
    lifecycle.ship(optimization, SYSTEM)
    lifecycle.resume(optimization, SYSTEM)

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
    organization = optimization_factories.organization()
    optimization = _in_status(organization, "live")
    assert regimes.follow(optimization) is False

    metric = optimization.reward_metric
    assert metric is not None
    metric.revision += 1
    metric.save()
    followed = regimes.follow(optimization)
    Connection.objects.create(organization=organization, provider="postgres")
    moved = regimes.follow(optimization)

    assert (followed, moved, regimes.follow(optimization)) == (True, True, False)
    last = Regime.objects.order_by("number").last()
    assert last is not None
    assert (last.number, last.metric_revision, last.warehouse) == (3, 2, "postgres")
    assert [span.number for span in regimes.spans(optimization)] == [1, 2, 3]
    assert regimes.spans(optimization)[0].holdout_threshold == "1999999a"


def test_a_connected_warehouse_needs_an_assignment_source_to_go_live() -> None:
    organization = optimization_factories.organization()
    optimization = _in_status(organization, "draft")
    Connection.objects.create(organization=organization, provider="bigquery")

    response = house.member_of(organization).patch(
        f"/optimizations/{optimization.pk}", {"status": "live"}
    )

    assert response.status_code == 409
    assert "assignment source" in house.error_of(response)["message"]
    assert not PolicyVersion.objects.exists()
    assert not Regime.objects.exists()


@pytest.mark.parametrize("status", ["shipped", "completed", "archived"])
def test_after_the_end_only_names_change(status: str) -> None:
    organization = optimization_factories.organization()
    optimization = _in_status(organization, status)
    api = house.member_of(organization)
    place = f"/optimizations/{optimization.pk}"

    named = api.patch(place, {"name": "Kept"})
    refused = api.patch(place, {"holdout_percentage": 5})

    assert (named.status_code, refused.status_code) == (200, 409)
    optimization.refresh_from_db()
    assert (optimization.name, optimization.holdout_percentage) == ("Kept", 10.0)


def test_times_of_the_life_are_kept() -> None:
    optimization = _in_status(optimization_factories.organization(), "shipped")

    ended = lifecycle.stop(optimization, SYSTEM)

    assert ended.went_live_at
    assert ended.shipped_at
    assert ended.ended_at
    assert timezone.now() - ended.ended_at < timedelta(minutes=1)


def test_a_shipment_undone_leaves_no_time_of_shipping() -> None:
    optimization = _in_status(optimization_factories.organization(), "shipped")

    undone = lifecycle.resume(optimization, SYSTEM)

    assert undone.shipped_at is None
    assert undone.went_live_at
