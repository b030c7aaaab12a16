"""GET /decisions explains why a user got a variant."""

import pytest

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
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
