"""POST /serve and /best-variant over HTTP."""

import json
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from hypothesis import (
    HealthCheck,
    given,
    settings as hypothesis_settings,
    strategies as st,
)
from pytest_django import Settings

from levered_site.organizations.actors import SYSTEM
from models_app import versions
from models_app.bandit import policy
from optimizations import configuration, lifecycle, snapshots
from optimizations.models import Assignment, Decision, Optimization
from tests import factories as house
from tests.optimizations import factories

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = house.Api()


def _serve(optimization: Optimization, user: str = "u1", **body: Any) -> HttpResponse:
    headers = body.pop("headers", {})
    return PUBLIC.post(
        f"/optimizations/{optimization.pk}/serve",
        {"anonymous_id": user, **body},
        **headers,
    )


def _live(**overrides: Any) -> Optimization:
    return factories.optimization(factories.organization(), **overrides)


def test_a_user_keeps_the_variant_first_served() -> None:
    optimization = _live()

    first = _serve(optimization, context={"device": "mobile", "x": 1})
    again = _serve(optimization)

    answer, repeat = house.body_of(first), house.body_of(again)
    assert first.status_code == 200
    assert answer.pop("sticky") is False
    assert repeat.pop("sticky") is True
    assert answer.pop("meta")["organization_id"] == optimization.organization_id
    repeat.pop("meta")
    assert repeat == answer
    assert set(answer) == {
        "optimization_id",
        "anonymous_id",
        "variant",
        "variant_number",
        "variant_key",
        "in_holdout",
        "policy_version",
        "propensity",
        "timestamp",
    }
    assert answer["propensity"] == (1.0 if answer["in_holdout"] else 0.25)
    assert answer["timestamp"].endswith("Z")
    assert Assignment.objects.count() == 1
    receipt = Decision.objects.get()
    assert receipt.context == '{"device":"mobile"}'
    assert receipt.variant == answer["variant_key"]
    assert receipt.organization_id == optimization.organization_id


def test_best_variant_is_the_same_with_the_id_in_the_body() -> None:
    optimization = _live()
    first = house.body_of(_serve(optimization))

    response = house.Api().post(
        "/optimizations/best-variant",
        {"optimization_id": str(optimization.pk).upper(), "anonymous_id": "u1"},
    )

    body = house.body_of(response)
    assert (response.status_code, body["sticky"]) == (200, True)
    assert body["variant_number"] == first["variant_number"]


def test_a_lock_outlives_a_retraining() -> None:
    optimization = _live(holdout_percentage=0)
    before = {n: house.body_of(_serve(optimization, f"u{n}")) for n in range(40)}
    _retrain(optimization, best=2)

    after = {n: house.body_of(_serve(optimization, f"u{n}")) for n in range(40)}
    fresh = [house.body_of(_serve(optimization, f"new{n}")) for n in range(40)]

    for n in range(40):
        assert after[n]["sticky"] is True
        for name in ("variant_number", "policy_version", "propensity", "timestamp"):
            assert after[n][name] == before[n][name]
    assert {one["policy_version"] for one in fresh} == {1}
    assert {one["variant_number"] for one in fresh} == {2}


@transaction.atomic
def _retrain(optimization: Optimization, best: int) -> None:
    table = policy.uniform(4, _only(best))
    compiled = policy.Compiled(table, table)
    model = optimization.model
    run = model.training_runs.create(requested_by="test")
    versions.record(model, run, compiled, [1, 2, 3, 4], {})
    snapshots.changed(optimization.pk)


def _only(number: int) -> Any:
    return np.arange(1, 5) == number


def test_the_holdout_is_what_the_database_computes() -> None:
    optimization = _live(holdout_percentage=12.5)
    for n in range(250):
        _serve(optimization, f"user-{n}é")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE in_holdout),"
            " count(*) FILTER (WHERE in_holdout <> (left(md5(optimization_id || ':' ||"
            " anonymous_id), 8) < lpad(to_hex(CAST(round(12.5 / 100 * 4294967296)"
            " AS bigint)), 8, '0')))"
            " FROM assignments"
        )
        total, held_out, wrong = cursor.fetchone()

    assert (total, wrong) == (250, 0)
    assert 12 < held_out < 55
    assert set(
        Assignment.objects.filter(in_holdout=True).values_list(
            "variant_number", "propensity"
        )
    ) == {(1, 1.0)}


def test_the_holdout_stays_as_it_was_at_the_first_serve() -> None:
    optimization = _live(holdout_percentage=0)
    _serve(optimization, "u1")
    configuration.change(optimization, {"holdout_percentage": 50.0}, SYSTEM)

    answers = [house.body_of(_serve(optimization, f"v{n}")) for n in range(40)]

    assert house.body_of(_serve(optimization, "u1"))["in_holdout"] is False
    assert 5 < sum(answer["in_holdout"] for answer in answers) < 35


def test_a_disabled_variant_is_drawn_anew_once() -> None:
    optimization = _live(holdout_percentage=0)
    users = [f"u{n}" for n in range(24)]
    first = {user: house.body_of(_serve(optimization, user)) for user in users}
    held = [user for user in users if first[user]["variant_number"] == 3]
    configuration.set_variant_enabled(optimization, 3, SYSTEM, enabled=False)

    drawn = {user: house.body_of(_serve(optimization, user)) for user in users}
    configuration.set_variant_enabled(optimization, 3, SYSTEM, enabled=True)
    later = {user: house.body_of(_serve(optimization, user)) for user in users}

    assert held
    for user in users:
        moved = user in held
        assert drawn[user]["sticky"] is not moved
        assert (drawn[user]["variant_number"] == 3) is False
        assert drawn[user]["policy_version"] == (1 if moved else 0)
        assert later[user]["sticky"] is True
        assert later[user]["variant_number"] == drawn[user]["variant_number"]
        receipts = Decision.objects.filter(anonymous_id=user).count()
        assert receipts == (2 if moved else 1)


def test_a_redraw_keeps_the_arm_of_the_first_serve() -> None:
    optimization = _live(holdout_percentage=0)
    users = [f"u{n}" for n in range(40)]
    first = {user: house.body_of(_serve(optimization, user)) for user in users}
    configuration.change(optimization, {"holdout_percentage": 50.0}, SYSTEM)
    configuration.set_variant_enabled(optimization, 3, SYSTEM, enabled=False)

    again = {user: house.body_of(_serve(optimization, user)) for user in users}

    assert any(answer["variant_number"] == 3 for answer in first.values())
    assert not any(answer["in_holdout"] for answer in again.values())
    assert not any(answer["variant_number"] == 3 for answer in again.values())


def test_a_dry_run_decides_the_same_and_writes_nothing() -> None:
    optimization = _live()

    rehearsed = house.body_of(_serve(optimization, dry_run=True))
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()
    served = house.body_of(_serve(optimization))
    repeated = house.body_of(_serve(optimization, dry_run=True))

    for name in ("variant_number", "in_holdout", "propensity", "policy_version"):
        assert rehearsed[name] == served[name]
    assert (rehearsed["sticky"], repeated["sticky"]) == (False, True)


@pytest.mark.parametrize(
    ("way", "status"),
    [
        ([], 409),
        (["live", "paused"], 409),
        (["live", "completed"], 404),
        (["live", "archived"], 404),
    ],
)
def test_what_does_not_serve_records_nothing(way: list[str], status: int) -> None:
    organization = factories.organization()
    metric = factories.metric(organization)
    optimization = factories.optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    for step in way:
        optimization = lifecycle.move(optimization, step, SYSTEM)

    response = _serve(optimization)

    house.error_of(response)
    assert response.status_code == status
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()


def test_a_shipped_one_answers_its_leader_and_records_nothing() -> None:
    optimization = _live(holdout_percentage=50)
    first = [house.body_of(_serve(optimization, f"u{n}")) for n in range(12)]
    _retrain(optimization, best=4)
    lifecycle.ship(optimization, SYSTEM)

    shipped = [house.body_of(_serve(optimization, f"u{n}")) for n in range(12)]
    newcomer = house.body_of(_serve(optimization, "newcomer"))

    assert {answer["variant_number"] for answer in first} != {4}
    assert {answer["variant_number"] for answer in [*shipped, newcomer]} == {4}
    assert not any(answer["in_holdout"] for answer in shipped)
    assert Decision.objects.count() == 12


def test_unknown_and_deleted_ids_are_not_found() -> None:
    optimization = _live()
    _serve(optimization)
    lifecycle.archive(optimization, SYSTEM)
    lifecycle.delete(optimization, SYSTEM)

    unknown = house.Api().post(f"/optimizations/{uuid4()}/serve", {"anonymous_id": "u"})
    no_uuid = house.Api().post("/optimizations/nope/serve", {"anonymous_id": "u"})

    assert _serve(optimization).status_code == 404
    assert (unknown.status_code, no_uuid.status_code) == (404, 404)
    assert house.error_of(unknown)["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "anonymous_id"),
        ({"anonymous_id": ""}, "anonymous_id"),
        ({"anonymous_id": "x" * 257}, "anonymous_id"),
        ({"anonymous_id": 5}, "anonymous_id"),
        ({"anonymous_id": None}, "anonymous_id"),
        ({"anonymous_id": "a\0b"}, "anonymous_id"),
        ({"anonymous_id": "u", "context": []}, "context"),
        ({"anonymous_id": "u", "context": {"device": {}}}, "context.device"),
        ({"anonymous_id": "u", "context": {"device": ["a"]}}, "context.device"),
        ({"anonymous_id": "u", "dry_run": 1}, "dry_run"),
    ],
)
def test_a_bad_field_is_named(body: dict[str, Any], field: str) -> None:
    optimization = _live()

    response = house.Api().post(f"/optimizations/{optimization.pk}/serve", body)

    error = house.error_of(response)
    assert (response.status_code, error["code"]) == (400, "invalid_parameters")
    assert [problem["field"] for problem in error["details"]] == [field]
    assert response["Access-Control-Allow-Origin"] == "*"
    assert not Assignment.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"anonymous_id": "\\ud800"}', 400),
        (b'{"anonymous_id": NaN}', 400),
        (b'{"anonymous_id": "u", "context": ' + b"[" * 5000, 400),
        (b'{"anonymous_id": "\xff"}', 400),
        (b'{"anonymous_id": "u", "x": "' + b"x" * 16 * 1024 + b'"}', 413),
    ],
)
def test_rubbish_is_refused_and_writes_nothing(body: bytes, status: int) -> None:
    optimization = _live()

    response = house.Api().post(f"/optimizations/{optimization.pk}/serve", body)

    house.error_of(response)
    assert response.status_code == status
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("given_id", [None, 5, "nope", "{" + "1" * 35, "x" * 10_000])
def test_best_variant_names_a_bad_id(given_id: object) -> None:
    response = house.Api().post(
        "/optimizations/best-variant",
        {"optimization_id": given_id, "anonymous_id": "u"},
    )

    assert response.status_code == 400
    assert house.error_of(response)["details"][0]["field"] == "optimization_id"


def test_unknown_fields_are_ignored() -> None:
    response = _serve(_live(), surprise={"deep": [1]}, session="s")

    assert response.status_code == 200


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=300) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["anonymous_id", "context", "dry_run", "optimization_id", "x"]),
        anything | st.dictionaries(st.sampled_from(["device", "y"]), anything),
    )
)
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_body_makes_it_fail(body: dict[str, Any]) -> None:
    raw = json.dumps(body, ensure_ascii=True).encode()

    for place in (f"/optimizations/{uuid4()}/serve", "/optimizations/best-variant"):
        response = PUBLIC.post(place, raw)
        assert response.status_code in {400, 404, 413}
        house.error_of(response)


def test_any_origin_may_ask_and_preflights_are_answered() -> None:
    optimization = _live()
    place = f"/optimizations/{optimization.pk}/serve"
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    preflight = house.Api().request("OPTIONS", place, headers=asked)
    answer = _serve(optimization, headers={"Origin": "https://shop.example"})

    assert preflight.status_code in {200, 204}
    assert preflight["Access-Control-Allow-Origin"] == "*"
    assert "POST" in preflight["Access-Control-Allow-Methods"]
    assert "content-type" in preflight["Access-Control-Allow-Headers"].lower()
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert house.Api().get(place).status_code == 405


def test_other_origins_than_the_allowed_are_refused() -> None:
    optimization = _live(allowed_origins=["https://shop.example"])

    refused = _serve(optimization, headers={"Origin": "https://evil.example"})
    allowed = _serve(optimization, headers={"Origin": "https://shop.example"})
    server = _serve(optimization, "u2")

    assert refused.status_code == 403
    assert refused["Access-Control-Allow-Origin"] == "*"
    assert (allowed.status_code, server.status_code) == (200, 200)
    assert Assignment.objects.count() == 2


def test_over_the_limit_of_an_address(settings: Settings) -> None:
    settings.RATELIMIT_SERVE = "2/m"
    optimization = _live()

    answers = [_serve(optimization, f"u{n}") for n in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Limit"] == "2"
    assert answers[0]["RateLimit-Remaining"] == "1"
    assert int(answers[2]["Retry-After"]) >= 1
    assert answers[2]["Access-Control-Allow-Origin"] == "*"
    assert Assignment.objects.count() == 2


def test_too_many_new_users_wait_and_known_ones_do_not(
    settings: Settings,
) -> None:
    settings.NEW_USERS_PER_MINUTE = 3
    optimization = _live()

    answers = [_serve(optimization, f"u{n}") for n in range(8)]
    known = _serve(optimization, "u0")

    codes = [answer.status_code for answer in answers]
    assert codes[:3] == [200, 200, 200]
    assert codes[-1] == 429
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert known.status_code == 200
    assert Assignment.objects.count() == codes.count(200)


def test_a_request_asks_the_database_nothing_but_the_claim() -> None:
    optimization = _live()
    _serve(optimization, "warm")

    with CaptureQueriesContext(connection) as captured:
        _serve(optimization, "u1")

    assert len(captured) == 0  # the claim goes by the committer's own connection


def test_a_decision_is_explained() -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization, holdout_percentage=0)
    users = [f"u{n}" for n in range(60)]
    answers = {user: house.body_of(_serve(optimization, user)) for user in users}
    moved = next(user for user in users if answers[user]["variant_number"] == 3)
    configuration.set_variant_enabled(optimization, 3, SYSTEM, enabled=False)
    answer = house.body_of(
        _serve(optimization, moved, context={"device": "mobile", "secret": "x"})
    )
    api = house.member_of(organization)

    response = api.get(f"/optimizations/{optimization.pk}/decisions/{moved}")

    body = house.body_of(response)
    assert response.status_code == 200
    assert body["variant"] == answer["variant"]
    assert body["context"] == {"device": "mobile"}
    assert (body["arm"], body["policy_version"]) == ("optimized", 1)
    chances = [one["probability"] for one in body["probabilities"]]
    assert chances == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3])
    assert chances[answer["variant_number"] - 1] == answer["propensity"]
    assert [one["variant_number"] for one in body["receipts"]] == [
        3,
        answer["variant_number"],
    ]
    nobody = api.get(f"/optimizations/{optimization.pk}/decisions/nobody")
    assert nobody.status_code == 404


def test_a_holdout_users_decision_is_certain() -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization, holdout_percentage=50)
    users = [f"a/b c{n}" for n in range(20)]
    held_out = next(
        user
        for user in users
        if house.body_of(_serve(optimization, user))["in_holdout"]
    )

    response = house.member_of(organization).get(
        f"/optimizations/{optimization.pk}/decisions/{held_out}".replace(" ", "%20")
    )

    body = house.body_of(response)
    assert (body["anonymous_id"], body["arm"]) == (held_out, "holdout")
    assert [one["probability"] for one in body["probabilities"]] == [1, 0, 0, 0]
    assert body["holdout_hash"] < "80000000"
