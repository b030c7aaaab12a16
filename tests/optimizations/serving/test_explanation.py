"""GET /decisions explains why a user got a variant."""

import math

import pytest

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app.bandit.policy import allocation
from optimizations.configuration import create_update
from optimizations.models import Decision
from tests.support import optimization_factories
from tests.support.factories import make_member_api, read_body
from tests.support.serve_requests import serve_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_decision_is_explained() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, holdout_percentage=0
    )
    users = [f"u{n}" for n in range(60)]
    answers = {user: read_body(serve_user(optimization, user)) for user in users}
    moved = next(user for user in users if answers[user]["variant_number"] == 3)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    answer = read_body(
        serve_user(optimization, moved, context={"device": "mobile", "secret": "x"})
    )
    api = make_member_api(organization)

    response = api.get(f"/optimizations/{optimization.pk}/decisions/{moved}")

    body = read_body(response)
    assert response.status_code == 200
    assert body["variant"] == answer["variant"]
    assert body["context"] == {"device": "mobile"}
    assert (body["arm"], body["policy_version"]) == ("optimized", 1)
    probabilities = [entry["probability"] for entry in body["probabilities"]]
    assert probabilities == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3])
    assert probabilities[answer["variant_number"] - 1] == answer["propensity"]
    assert [receipt["variant_number"] for receipt in body["receipts"]] == [
        3,
        answer["variant_number"],
    ]
    unserved = api.get(f"/optimizations/{optimization.pk}/decisions/nobody")
    assert unserved.status_code == 404


def test_a_holdout_user_gets_the_baseline_with_probability_one() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, holdout_percentage=50
    )
    users = [f"a/b c{n}" for n in range(20)]
    holdout_user = next(
        user
        for user in users
        if read_body(serve_user(optimization, user))["in_holdout"]
    )

    response = make_member_api(organization).get(
        f"/optimizations/{optimization.pk}/decisions/{holdout_user}".replace(" ", "%20")
    )

    body = read_body(response)
    assert (body["anonymous_id"], body["arm"]) == (holdout_user, "holdout")
    assert [entry["probability"] for entry in body["probabilities"]] == [1, 0, 0, 0]
    assert body["holdout_hash"] < "80000000"


def test_a_decision_is_replayed_by_the_rule_that_drew_it() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, holdout_percentage=0
    )
    served = read_body(serve_user(optimization, "u1"))
    api = make_member_api(organization)

    drawn = read_body(api.get(f"/optimizations/{optimization.pk}/decisions/u1"))
    u = allocation.hash_to_uniform(str(optimization.pk), "u1", 0)
    number = allocation.choose_variant([0.25, 0.5, 0.75, 1.0], u) + 1
    Decision.objects.update(draw_rule=0, variant_number=number)
    old = read_body(api.get(f"/optimizations/{optimization.pk}/decisions/u1"))
    Decision.objects.update(variant_number=number % 4 + 1)
    forged = read_body(api.get(f"/optimizations/{optimization.pk}/decisions/u1"))

    times = {
        entry["number"]: -math.log(entry["u"]) / entry["probability"]
        for entry in drawn["probabilities"]
    }
    assert min(times, key=lambda number: times[number]) == served["variant_number"]
    assert (drawn["draw_rule"], drawn["is_reproduced"]) == ("rendezvous", True)
    assert (old["draw_rule"], old["is_reproduced"]) == ("cumulative", True)
    assert old["u"] == u
    assert {entry["u"] for entry in old["probabilities"]} == {None}
    assert forged["is_reproduced"] is False


def test_a_redraw_is_replayed_with_its_ordinal() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, holdout_percentage=0
    )
    users = [f"u{n}" for n in range(60)]
    moved = next(
        user
        for user in users
        if read_body(serve_user(optimization, user))["variant_number"] == 3
    )
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    serve_user(optimization, moved)

    response = make_member_api(organization).get(
        f"/optimizations/{optimization.pk}/decisions/{moved}"
    )

    receipts = read_body(response)["receipts"]
    assert [receipt["redraw"] for receipt in receipts] == [0, 1]
    assert [receipt["is_reproduced"] for receipt in receipts] == [True, True]
