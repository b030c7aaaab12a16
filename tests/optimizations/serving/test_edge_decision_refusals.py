"""Decisions of clients that are rejected by their index, and batches that are refused."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Assignment, Decision, Optimization
from tests.support import factories
from tests.support.edge_decisions import (
    Body,
    decide,
    make_half_held_out,
    make_serve_api,
    pick_user,
    send,
)
from tests.support.factories import Api, read_body, read_error

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def optimization() -> Optimization:
    """A live optimization with a holdout of half of the users."""
    return make_half_held_out()


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A client with an API key of its organization."""
    return make_serve_api(optimization)


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
