"""Erasing a person: rows go, counts stay, who comes back is new."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from levered_site.organizations.models import AuditEntry, Organization
from optimizations.cube import first_touches, refresh
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Assignment, Decision, FirstTouch, Optimization
from tests.support import optimization_factories, traffic
from tests.support.factories import (
    Api,
    make_admin_api,
    make_member_api,
    read_body,
    read_error,
)
from warehouse.models import ManagedExposure, ManagedReward

# Serving and the cube have connections of their own: events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (ManagedExposure, ManagedReward, Decision, Assignment, FirstTouch)


def make(organization: Organization | None = None) -> Optimization:
    """Make a live optimization without holdout."""
    return optimization_factories.make_optimization(
        organization or optimization_factories.make_organization(), holdout_percentage=0
    )


def ago(days: float) -> datetime:
    """Name a moment before now."""
    return timezone.now() - timedelta(days=days)


def visit(optimization: Optimization, user: str, at: datetime) -> None:
    """Let a user see the baseline and buy an hour later."""
    shown = traffic.build_exposure(optimization, user, timestamp=at.isoformat())
    bought = traffic.build_reward(user, timestamp=(at + timedelta(hours=1)).isoformat())
    traffic.send_exposures(optimization, [shown])
    traffic.send_rewards(optimization, [bought])


def serve(optimization: Optimization, user: str) -> dict[str, Any]:
    """Ask for a variant."""
    response = Api().post(
        f"/optimizations/{optimization.pk}/serve", {"anonymous_id": user}
    )
    assert response.status_code == 200, response.content
    return read_body(response)


def refreshed(optimization: Optimization) -> ObservationCube:
    """Count, as training does, when what was sent in so far came long ago."""
    for events in (ManagedExposure, ManagedReward):
        events.objects.update(
            created_at=F("created_at") - 2 * first_touches.LOOK_BACK_MARGIN
        )
    assert optimization.reward_metric
    return refresh.refresh_cube(
        optimization, optimization.reward_metric, timezone.now()
    )


def counted(observed: ObservationCube) -> tuple[int, int]:
    """Users, and those who converted."""
    cells = observed.cells
    return sum(cell.users for cell in cells), sum(cell.converted for cell in cells)


def rows_of(user: str) -> list[int]:
    """Count a user's rows, table by table."""
    return [table.objects.filter(anonymous_id=user).count() for table in TABLES]


def test_a_person_is_erased_everywhere_and_the_answer_counts_the_rows() -> None:
    organization = optimization_factories.make_organization()
    first, second = make(organization), make(organization)
    visit(first, "ann/1", ago(6))
    visit(second, "ann/1", ago(1))
    serve(first, "ann/1")
    visit(first, "bob", ago(6))
    refreshed(first)

    response = make_admin_api(organization).delete("/warehouse/users/ann/1")

    assert response.status_code == 200, response.content
    answer = read_body(response)
    assert {name: answer[name] for name in answer if name != "meta"} == {
        "exposures": 2,
        "rewards": 2,
        "decisions": 1,
        "assignments": 1,
    }
    assert rows_of("ann/1") == [0, 0, 0, 0, 0]
    assert rows_of("bob") == [1, 1, 0, 0, 1]


def test_sealed_counts_stay_and_open_days_are_counted_without_the_person() -> None:
    optimization = make()
    for user in ("ann", "bob"):
        visit(optimization, user, ago(6))
    for user in ("cid", "dan"):
        visit(optimization, user, ago(0.5))
    before = refreshed(optimization)
    api = make_admin_api(optimization.organization)

    for user in ("ann", "cid"):
        api.delete(f"/warehouse/users/{user}")
    after = refreshed(optimization)

    assert counted(before) == (4, 4)
    assert counted(after) == (3, 3)


def test_who_comes_back_is_a_new_user_with_a_new_lock() -> None:
    optimization = make()
    visit(optimization, "ann", ago(6))
    refreshed(optimization)
    old = serve(optimization, "ann")
    make_admin_api(optimization.organization).delete("/warehouse/users/ann")
    gone = refreshed(optimization)

    new = serve(optimization, "ann")
    back = refreshed(optimization)

    assert (old["sticky"], new["sticky"]) == (False, False)
    assert rows_of("ann") == [0, 0, 1, 1, 0]
    assert counted(back)[0] == counted(gone)[0] + 1


def test_erasing_twice_finds_nothing_and_is_no_error() -> None:
    optimization = make()
    visit(optimization, "ann", ago(1))
    api = make_admin_api(optimization.organization)

    answers = [read_body(api.delete("/warehouse/users/ann")) for _ in range(2)]

    assert [answer["exposures"] for answer in answers] == [1, 0]


def test_another_organizations_person_of_the_same_id_is_untouched() -> None:
    mine, theirs = make(), make()
    for each in (mine, theirs):
        visit(each, "ann", ago(3))
        serve(each, "ann")
        refreshed(each)

    make_admin_api(mine.organization).delete("/warehouse/users/ann")

    assert rows_of("ann") == [1, 1, 1, 1, 1]
    kept = [table.objects.get() for table in (ManagedExposure, ManagedReward, Decision)]
    assert {row.organization_id for row in kept} == {theirs.organization_id}


def test_the_audit_entry_does_not_name_the_person() -> None:
    optimization = make()
    visit(optimization, "ann@example.com", ago(1))

    make_admin_api(optimization.organization).delete("/warehouse/users/ann@example.com")

    entry = AuditEntry.objects.get(action="user.erase")
    assert len(entry.changes["person"]) == 40
    assert "ann" not in f"{entry.changes}{entry.target_id}{entry.target_name}"


def test_a_member_may_not_erase_and_nothing_is_erased() -> None:
    optimization = make()
    visit(optimization, "ann", ago(1))

    response = make_member_api(optimization.organization).delete("/warehouse/users/ann")

    assert response.status_code == 403
    assert rows_of("ann") == [1, 1, 0, 0, 0]
    assert not AuditEntry.objects.filter(action="user.erase").exists()


def test_an_id_that_nobody_can_have_is_refused() -> None:
    optimization = make()

    response = make_admin_api(optimization.organization).delete(
        f"/warehouse/users/{'x' * 257}"
    )

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "anonymous_id"
    assert not AuditEntry.objects.filter(action="user.erase").exists()
