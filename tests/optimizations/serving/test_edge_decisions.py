"""POST /optimizations/:id/decisions records what a client decided by the policy."""

from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import Assignment, Decision, Optimization
from tests.support import factories
from tests.support.edge_decisions import (
    decide,
    decide_by,
    load_snapshot,
    make_half_held_out,
    make_serve_api,
    pick_user,
    send,
)
from tests.support.factories import Api, read_body, read_error
from tests.support.serve_requests import serve_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def optimization() -> Optimization:
    """A live optimization with a holdout of half of the users."""
    return make_half_held_out()


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A client with an API key of its organization."""
    return make_serve_api(optimization)


def test_a_decision_becomes_what_a_serve_would_have_stored(
    optimization: Optimization, api: Api
) -> None:
    users = [f"user-{n}é" for n in range(60)]
    context = {"device": "mobile", "secret": "x"}
    made_at = timezone.now() - timedelta(seconds=1)
    batch = [
        decide(optimization, user, context) | {"timestamp": made_at.isoformat()}
        for user in users
    ]
    optimization.regimes.update(starts_at=made_at - timedelta(hours=1))
    Optimization.objects.update(went_live_at=made_at - timedelta(hours=1))

    response = send(api, optimization, *batch)

    body = read_body(response)
    assert response.status_code == 200
    assert (body["accepted"], body["duplicates"]) == (60, 0)
    assert (body["kept"], body["rejected"]) == ([], [])
    for user, made in zip(users, batch, strict=True):
        receipt = Decision.objects.get(anonymous_id=user)
        assignment = Assignment.objects.get(anonymous_id=user)
        assert receipt.variant_number == assignment.variant_number
        assert assignment.variant_number == made["variant_number"]
        assert receipt.in_holdout == assignment.in_holdout == made["in_holdout"]
        assert receipt.propensity == (1.0 if made["in_holdout"] else 0.25)
        assert receipt.context == '{"device":"mobile"}'
        assert receipt.decided_at == assignment.decided_at == made_at
        assert assignment.decision_id == receipt.pk
        served = read_body(serve_user(optimization, user))
        assert (served["sticky"], served["variant_number"]) == (
            True,
            made["variant_number"],
        )
    assert 10 < sum(made["in_holdout"] for made in batch) < 50


def test_a_batch_sent_twice_stores_nothing_twice(
    optimization: Optimization, api: Api
) -> None:
    batch = [decide(optimization, f"u{n}") for n in range(20)]
    send(api, optimization, *batch)

    again = read_body(send(api, optimization, *batch, decide(optimization, "new")))

    assert (again["accepted"], again["duplicates"]) == (1, 20)
    assert [kept["index"] for kept in again["kept"]] == list(range(20))
    assert Decision.objects.count() == Assignment.objects.count() == 21


def test_a_user_with_an_assignment_keeps_it(
    optimization: Optimization, api: Api
) -> None:
    user = pick_user(optimization, in_holdout=False)
    served = read_body(serve_user(optimization, user))
    barred = next(n for n in (2, 3, 4) if n != served["variant_number"])
    create_update.set_variant_enabled(optimization, barred, SYSTEM_ACTOR, enabled=False)
    made = decide(optimization, user)

    body = read_body(send(api, optimization, made))

    assert made["policy_version"] == 1
    assert body["accepted"] == 0
    assert body["kept"] == [
        {
            "index": 0,
            "variant_number": served["variant_number"],
            "in_holdout": False,
            "policy_version": 0,
            "redraw": 0,
        }
    ]
    assert Decision.objects.count() == 1


def test_a_decision_of_an_older_version_is_made_again_by_that_version(
    optimization: Optimization, api: Api
) -> None:
    user = pick_user(optimization, in_holdout=False, number=3)
    made = decide(optimization, user)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)

    body = read_body(send(api, optimization, made))
    receipt = Decision.objects.get()

    assert body["accepted"] == 1
    assert (receipt.variant_number, receipt.policy_version) == (3, 0)
    assert receipt.propensity == 0.25


def test_a_redraw_replaces_a_barred_assignment_once(
    optimization: Optimization, api: Api
) -> None:
    user = pick_user(optimization, in_holdout=False, number=3)
    first = decide(optimization, user)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    second = decide(optimization, user, redraw=1)

    body = read_body(send(api, optimization, second, first))
    repeated = read_body(send(api, optimization, second))
    assignment = Assignment.objects.get()
    explained = factories.make_member_api(optimization.organization).get(
        f"/optimizations/{optimization.pk}/decisions/{user}"
    )

    assert (body["accepted"], body["kept"]) == (2, [])
    assert repeated["accepted"] == 0
    assert (assignment.variant_number, assignment.redraws) == (
        second["variant_number"],
        1,
    )
    receipts = read_body(explained)["receipts"]
    assert {receipt["redraw"] for receipt in receipts} == {0, 1}
    assert all(receipt["is_reproduced"] for receipt in receipts)


def test_a_redraw_of_a_servable_assignment_changes_nothing(
    optimization: Optimization, api: Api
) -> None:
    user = pick_user(optimization, in_holdout=False)
    served = read_body(serve_user(optimization, user))

    body = read_body(send(api, optimization, decide(optimization, user, redraw=1)))

    assert body["kept"][0]["variant_number"] == served["variant_number"]
    assert Assignment.objects.get().redraws == 0


def test_the_holdout_may_be_that_of_a_policy_of_the_last_day(
    optimization: Optimization, api: Api
) -> None:
    made = decide(optimization, pick_user(optimization, in_holdout=True))
    create_update.update_configuration(
        optimization, {"holdout_percentage": 0.0}, SYSTEM_ACTOR
    )

    late = read_body(send(api, optimization, made))
    optimization.regimes.filter(number=2).update(
        starts_at=timezone.now() - timedelta(days=2)
    )
    too_late = send(api, optimization, made | {"anonymous_id": "x"})

    assert late["accepted"] == 1
    assert Assignment.objects.get().in_holdout is True
    assert "in_holdout" in read_error(too_late)["details"][0]["field"]


def test_500_decisions_are_stored_in_one_request(
    optimization: Optimization, api: Api
) -> None:
    snapshot = load_snapshot(optimization)
    batch = [decide_by(snapshot, f"u{n}") for n in range(500)]

    body = read_body(send(api, optimization, *batch))

    assert body["accepted"] == 500
    assert Decision.objects.count() == 500
