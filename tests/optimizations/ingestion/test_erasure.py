"""Erasing a person: rows go, counts stay, and a returning person is a new user."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db.models import F
from django.utils import timezone

from levered_site.organizations.models import AuditEntry, Organization
from optimizations.cube import first_touches, refresh
from optimizations.cube.refresh import ObservationCube
from optimizations.ingestion import erasure
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

# Serving and the cube use their own connections, so events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (ManagedExposure, ManagedReward, Decision, Assignment, FirstTouch)


def _make_optimization(organization: Organization | None = None) -> Optimization:
    """Make a live optimization without holdout."""
    return optimization_factories.make_optimization(
        organization or optimization_factories.make_organization(), holdout_percentage=0
    )


def _days_ago(days: float) -> datetime:
    """Return a moment before now."""
    return timezone.now() - timedelta(days=days)


def _send_visit(optimization: Optimization, user: str, at: datetime) -> None:
    """Send an exposure of the baseline and a purchase an hour later."""
    exposure = traffic.build_exposure(optimization, user, timestamp=at.isoformat())
    bought_at = (at + timedelta(hours=1)).isoformat()
    traffic.send_exposures(optimization, [exposure])
    traffic.send_rewards(
        optimization, [traffic.build_reward(user, timestamp=bought_at)]
    )


def _serve(optimization: Optimization, user: str) -> dict[str, Any]:
    """Serve a user and return the response."""
    response = Api().post(
        f"/optimizations/{optimization.pk}/serve", {"anonymous_id": user}
    )
    assert response.status_code == 200, response.content
    return read_body(response)


def _refresh_cube(optimization: Optimization) -> ObservationCube:
    """Refresh the cube as training does, after letting all events arrive long ago."""
    for events in (ManagedExposure, ManagedReward):
        events.objects.update(
            created_at=F("created_at") - 2 * first_touches.LOOK_BACK_MARGIN
        )
    assert optimization.reward_metric
    return refresh.refresh_cube(
        optimization, optimization.reward_metric, timezone.now()
    )


def _count_users(cube: ObservationCube) -> tuple[int, int]:
    """Return the numbers of users and of those who converted."""
    cells = cube.cells
    return sum(cell.users for cell in cells), sum(cell.converted for cell in cells)


def _count_rows(user: str) -> list[int]:
    """Return the number of a user's rows per table of TABLES."""
    return [table.objects.filter(anonymous_id=user).count() for table in TABLES]


def test_a_person_is_erased_everywhere_and_the_response_counts_the_rows() -> None:
    organization = optimization_factories.make_organization()
    first, second = _make_optimization(organization), _make_optimization(organization)
    _send_visit(first, "ann/1", _days_ago(6))
    _send_visit(second, "ann/1", _days_ago(1))
    _serve(first, "ann/1")
    _send_visit(first, "bob", _days_ago(6))
    _refresh_cube(first)

    response = make_admin_api(organization).delete("/warehouse/users/ann/1")

    assert response.status_code == 200, response.content
    answer = read_body(response)
    assert {name: answer[name] for name in answer if name != "meta"} == {
        "exposures": 2,
        "rewards": 2,
        "decisions": 1,
        "assignments": 1,
    }
    assert _count_rows("ann/1") == [0, 0, 0, 0, 0]
    assert _count_rows("bob") == [1, 1, 0, 0, 1]


def test_sealed_counts_stay_and_open_days_are_counted_without_the_person() -> None:
    optimization = _make_optimization()
    for user in ("ann", "bob"):
        _send_visit(optimization, user, _days_ago(6))
    for user in ("cid", "dan"):
        _send_visit(optimization, user, _days_ago(0.5))
    before = _refresh_cube(optimization)
    api = make_admin_api(optimization.organization)

    for user in ("ann", "cid"):
        api.delete(f"/warehouse/users/{user}")
    after = _refresh_cube(optimization)

    assert _count_users(before) == (4, 4)
    assert _count_users(after) == (3, 3)


def test_a_returning_person_is_a_new_user_with_a_new_assignment() -> None:
    optimization = _make_optimization()
    _send_visit(optimization, "ann", _days_ago(6))
    _refresh_cube(optimization)
    old = _serve(optimization, "ann")
    make_admin_api(optimization.organization).delete("/warehouse/users/ann")
    without_person = _refresh_cube(optimization)

    new = _serve(optimization, "ann")
    with_person = _refresh_cube(optimization)

    assert (old["sticky"], new["sticky"]) == (False, False)
    assert _count_rows("ann") == [0, 0, 1, 1, 0]
    assert _count_users(with_person)[0] == _count_users(without_person)[0] + 1


def test_erasing_twice_finds_nothing_and_is_no_error() -> None:
    optimization = _make_optimization()
    _send_visit(optimization, "ann", _days_ago(1))
    api = make_admin_api(optimization.organization)

    answers = [read_body(api.delete("/warehouse/users/ann")) for _ in range(2)]

    assert [answer["exposures"] for answer in answers] == [1, 0]


def test_another_organizations_person_of_the_same_id_is_untouched() -> None:
    mine, theirs = _make_optimization(), _make_optimization()
    for optimization in (mine, theirs):
        _send_visit(optimization, "ann", _days_ago(3))
        _serve(optimization, "ann")
        _refresh_cube(optimization)

    make_admin_api(mine.organization).delete("/warehouse/users/ann")

    assert _count_rows("ann") == [1, 1, 1, 1, 1]
    rows = [table.objects.get() for table in (ManagedExposure, ManagedReward, Decision)]
    assert {row.organization_id for row in rows} == {theirs.organization_id}


def test_the_audit_entry_does_not_name_the_person() -> None:
    optimization = _make_optimization()
    _send_visit(optimization, "ann@example.com", _days_ago(1))

    make_admin_api(optimization.organization).delete("/warehouse/users/ann@example.com")

    entry = AuditEntry.objects.get(action="user.erase")
    assert len(entry.changes["person"]) == 40
    assert "ann" not in f"{entry.changes}{entry.target_id}{entry.target_name}"


def test_a_member_may_not_erase_and_nothing_is_erased() -> None:
    optimization = _make_optimization()
    _send_visit(optimization, "ann", _days_ago(1))

    response = make_member_api(optimization.organization).delete("/warehouse/users/ann")

    assert response.status_code == 403
    assert _count_rows("ann") == [1, 1, 0, 0, 0]
    assert not AuditEntry.objects.filter(action="user.erase").exists()


def test_an_id_that_is_too_long_is_refused() -> None:
    optimization = _make_optimization()

    response = make_admin_api(optimization.organization).delete(
        f"/warehouse/users/{'x' * 257}"
    )

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "anonymous_id"
    assert not AuditEntry.objects.filter(action="user.erase").exists()


@pytest.mark.parametrize("user", ["line\nfeed", "undefined", " ", "a/b\n"])
def test_a_user_stored_before_such_ids_were_refused_can_be_erased(user: str) -> None:
    optimization = _make_optimization()
    _send_visit(optimization, "ann", _days_ago(1))
    ManagedExposure.objects.update(anonymous_id=user)

    response = make_admin_api(optimization.organization).delete(
        f"/warehouse/users/{quote(user)}"
    )

    assert response.status_code == 200, response.content
    assert read_body(response)["exposures"] == 1
    assert _count_rows(user) == [0, 0, 0, 0, 0]


def test_a_receipt_written_during_the_erasure_goes_with_its_assignment() -> None:
    """Days are deleted first; the user may be served before the assignments are."""
    optimization = _make_optimization()
    _serve(optimization, "u1")
    _serve(optimization, "u2")
    parameters = {
        "organization": optimization.organization_id,
        "optimizations": [optimization.pk],
        "user": "u1",
    }

    assert erasure._delete_assignments(parameters) == 1

    assert [receipt.anonymous_id for receipt in Decision.objects.all()] == ["u2"]
    assert [each.anonymous_id for each in Assignment.objects.all()] == ["u2"]
    assert _serve(optimization, "u1")["sticky"] is False
    assert Decision.objects.count() == 2


@pytest.mark.parametrize("rest", ["?b=c", "?b", "?", "?&", "?b=c&d=e"])
def test_an_id_with_a_bare_question_mark_erases_nobody_else(rest: str) -> None:
    optimization = _make_optimization()
    admin = make_admin_api(optimization.organization)
    for user in ("a", f"a{rest}"):
        _serve(optimization, user)

    refused = admin.delete(f"/warehouse/users/a{rest}")
    is_left = Assignment.objects.filter(anonymous_id="a").exists()
    erased = admin.delete(f"/warehouse/users/{quote(f'a{rest}', safe='')}")

    if rest != "?":  # an empty query is none: no server can tell it
        assert refused.status_code == 400
        assert "%3F" in read_error(refused)["message"]
        assert rest[1:].split("=", maxsplit=1)[0] in read_error(refused)["message"]
        assert is_left
    assert read_body(erased)["assignments"] == 1


def test_no_delete_takes_a_query() -> None:
    optimization = _make_optimization()
    admin = make_admin_api(optimization.organization)

    refused = admin.delete(f"/optimizations/{optimization.pk}?dry_run=true")

    assert refused.status_code == 400
    assert [each["field"] for each in read_error(refused)["details"]] == ["dry_run"]
    assert Optimization.objects.filter(pk=optimization.pk, deleted_at=None).exists()
