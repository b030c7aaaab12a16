"""POST /optimizations/:id/decisions records what a client decided by the policy."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import decision, snapshot_loader
from optimizations.serving.snapshot import Proposal, Snapshot
from tests.support import factories, optimization_factories
from tests.support.factories import Api, read_body, read_error
from tests.support.serve_requests import serve_user

pytestmark = pytest.mark.django_db(transaction=True)

Body = dict[str, Any]


@pytest.fixture
def optimization() -> Optimization:
    """A live optimization with a holdout of half of the users."""
    organization = optimization_factories.make_organization()
    return optimization_factories.make_optimization(organization, holdout_percentage=50)


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A client with an API key of its organization."""
    return Api(factories.make_api_key(optimization.organization, scopes=["serve"]))


def decide(
    optimization: Optimization,
    user: str,
    context: Mapping[str, Any] | None = None,
    redraw: int = 0,
) -> Body:
    """Decide as a client does, and return the decision to send."""
    return decide_by(load_snapshot(optimization), user, context, redraw)


def load_snapshot(optimization: Optimization) -> Snapshot:
    """Load what the policy is made of."""
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    return snapshot


def decide_by(
    snapshot: Snapshot,
    user: str,
    context: Mapping[str, Any] | None = None,
    redraw: int = 0,
) -> Body:
    """Decide by a policy that was loaded before."""
    resolved = decision.resolve_context(snapshot, context or {})
    ids = snapshot, user, resolved, timezone.now()
    proposal: Proposal = (
        decision.draw_variant(*ids, redraw=redraw)
        if redraw
        else decision.decide_variant(*ids)
    )
    return {
        "anonymous_id": user,
        "variant_number": proposal.card.number,
        "policy_version": snapshot.policy_version,
        "context": context or {},
        "in_holdout": proposal.in_holdout,
        "redraw": redraw,
    }


def send(api: Api, optimization: Optimization, *decisions: Any) -> Any:
    """Send a batch."""
    return api.post(
        f"/optimizations/{optimization.pk}/decisions", {"decisions": [*decisions]}
    )


def pick_user(optimization: Optimization, *, in_holdout: bool, number: int = 0) -> str:
    """Return a user of an arm, by default of whatever variant."""
    snapshot = load_snapshot(optimization)
    return next(
        user
        for user in (f"u{n}" for n in range(1000))
        for made in [decide_by(snapshot, user)]
        if made["in_holdout"] is in_holdout and number in {0, made["variant_number"]}
    )


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


def test_a_redraw_of_a_user_without_an_assignment_is_rejected(
    optimization: Optimization, api: Api
) -> None:
    """Or a client could pick any variant by looking for the redraw that brings it."""
    new, good = "someone-new", decide(optimization, "good")

    body = read_body(send(api, optimization, decide(optimization, new, redraw=1), good))

    assert (body["accepted"], body["rejected"][0]["index"]) == (1, 0)
    assert body["rejected"][0]["message"].startswith("redraw: must be 0")
    assert not Assignment.objects.filter(anonymous_id=new).exists()


def test_a_decision_from_before_its_version_is_rejected(
    optimization: Optimization, api: Api
) -> None:
    made = decide(optimization, "u1")
    optimization.model.policy_versions.update(
        created_at=timezone.now() + timedelta(minutes=10)
    )

    refused = send(api, optimization, made)

    assert refused.status_code == 400
    assert read_error(refused)["details"][0]["field"] == "decisions[0].timestamp"


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


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"anonymous_id": ""}, "anonymous_id"),
        ({"anonymous_id": "x" * 257}, "anonymous_id"),
        ({"anonymous_id": "a\0b"}, "anonymous_id"),
        ({"anonymous_id": 7}, "anonymous_id"),
        ({"anonymous_id": "undefined"}, "anonymous_id"),
        ({"anonymous_id": "a\nb"}, "anonymous_id"),
        ({"variant_number": 0}, "variant_number"),
        ({"variant_number": True}, "variant_number"),
        ({"variant_number": None}, "variant_number"),
        ({"variant_number": 9}, "variant_number"),
        ({"policy_version": 8}, "policy_version"),
        ({"policy_version": -1}, "policy_version"),
        ({"context": []}, "context"),
        ({"context": {"device": []}}, "context.device"),
        ({"in_holdout": True}, "in_holdout"),
        ({"in_holdout": "no"}, "in_holdout"),
        ({"redraw": 40_000}, "redraw"),
        ({"redraw": 1, "in_holdout": True}, "in_holdout"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-01-01T00:00:00"}, "timestamp"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "2100-01-01T00:00:00Z"}, "timestamp"),
    ],
)
def test_an_invalid_decision_is_rejected_by_its_index(
    optimization: Optimization, api: Api, changes: Body, field: str
) -> None:
    user = pick_user(optimization, in_holdout=False)
    good = decide(optimization, "good")
    bad = decide(optimization, user) | changes

    response = send(api, optimization, bad, good)
    alone = send(api, optimization, bad)

    body = read_body(response)
    assert (response.status_code, body["accepted"]) == (207, 1)
    assert [each["index"] for each in body["rejected"]] == [0]
    assert body["rejected"][0]["message"].startswith(f"{field}: ")
    assert alone.status_code == 400
    assert read_error(alone)["details"][0]["field"] == f"decisions[0].{field}"
    assert Decision.objects.count() == 1


def test_another_variant_than_the_policy_decides_is_rejected(
    optimization: Optimization, api: Api
) -> None:
    user = pick_user(optimization, in_holdout=False)
    made = decide(optimization, user)
    other = made["variant_number"] % 4 + 1

    response = send(api, optimization, made | {"variant_number": other})

    message = read_error(response)["details"][0]["message"]
    assert f"decides for variant {made['variant_number']} " in message
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("batch", [None, {}, [], "x", [{}] * 501])
def test_a_batch_is_a_list_of_at_most_500(
    optimization: Optimization, api: Api, batch: object
) -> None:
    response = api.post(
        f"/optimizations/{optimization.pk}/decisions", {"decisions": batch}
    )

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "decisions"


def test_500_decisions_are_stored_in_one_request(
    optimization: Optimization, api: Api
) -> None:
    snapshot = load_snapshot(optimization)
    batch = [decide_by(snapshot, f"u{n}") for n in range(500)]

    body = read_body(send(api, optimization, *batch))

    assert body["accepted"] == 500
    assert Decision.objects.count() == 500


def test_only_a_live_optimization_records_decisions(
    optimization: Optimization, api: Api
) -> None:
    made = decide(optimization, "u1")
    lifecycle.change_status(optimization, "paused", SYSTEM_ACTOR)

    assert send(api, optimization, made).status_code == 409
    assert not Decision.objects.exists()


def test_the_optimization_of_another_organization_is_not_found(
    optimization: Optimization,
) -> None:
    other = Api(factories.make_api_key(factories.make_organization(), scopes=["serve"]))
    made = decide(optimization, "u1")

    foreign = send(other, optimization, made)
    unknown = other.post(f"/optimizations/{uuid4()}/decisions", {"decisions": [made]})

    assert foreign.status_code == unknown.status_code == 404
    assert not Decision.objects.exists()


def test_a_decision_of_a_pause_is_rejected_by_index(
    optimization: Optimization, api: Api
) -> None:
    now = timezone.now()
    optimization.went_live_at = now - timedelta(days=2)
    optimization.save()
    optimization.regimes.update(starts_at=now - timedelta(days=2))
    optimization.model.policy_versions.update(created_at=now - timedelta(days=2))
    optimization.recording_gaps.create(
        starts_at=now - timedelta(hours=3),
        ends_at=now - timedelta(hours=2),
        status="paused",
    )
    decisions = [
        decide(optimization, f"user-{hours}")
        | {"timestamp": (now - timedelta(hours=hours)).isoformat()}
        for hours in (1, 2.5, 4)
    ]

    body = read_body(send(api, optimization, *decisions))

    assert body["accepted"] == 2
    (rejected,) = body["rejected"]
    assert rejected["index"] == 1
    assert "was paused from" in rejected["message"]
