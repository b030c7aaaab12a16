"""Requests to serve: what it refuses, ignores, limits and asks the database."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import (
    HealthCheck,
    given,
    settings as hypothesis_settings,
    strategies as st,
)
from pytest_django import Settings

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Assignment
from tests.support.factories import Api, read_error
from tests.support.optimization_factories import make_live_optimization
from tests.support.running_service import until
from tests.support.serve_requests import PUBLIC, serve_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_unknown_and_deleted_ids_are_not_found() -> None:
    optimization = make_live_optimization()
    serve_user(optimization)
    lifecycle.archive_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)

    unknown = Api().post(f"/optimizations/{uuid4()}/serve", {"anonymous_id": "u"})
    no_uuid = Api().post("/optimizations/nope/serve", {"anonymous_id": "u"})

    assert serve_user(optimization).status_code == 404
    assert (unknown.status_code, no_uuid.status_code) == (404, 404)
    assert read_error(unknown)["code"] == "not_found"


@pytest.mark.parametrize("path", ["serve", "best-variant", "best-variants"])
@pytest.mark.parametrize(
    ("misspelled", "meant"),
    [
        ("dryrun", "dry_run"),
        ("dryRun", "dry_run"),
        ("contxt", "context"),
        ("Context", "context"),
        ("recrod", "record"),
        ("annonymous_id", "anonymous_id"),
        ("anonymousId", "anonymous_id"),
    ],
)
def test_a_misspelled_field_is_refused_with_the_one_that_was_meant(
    path: str, misspelled: str, meant: str
) -> None:
    optimization = make_live_optimization()
    own = str(optimization.pk)
    body = {"anonymous_id": "u", "dry_run": True, "context": {}, "record": True}
    body = {name: value for name, value in body.items() if name != meant}
    ids: dict[str, dict[str, Any]] = {
        "best-variant": {"optimization_id": own},
        "best-variants": {"optimization_ids": [own]},
    }
    url = f"/optimizations/{own}/serve" if path == "serve" else f"/optimizations/{path}"

    answer = PUBLIC.post(url, {**body, **ids.get(path, {}), misspelled: "x"})

    assert answer.status_code == 400
    [problem] = read_error(answer)["details"]
    assert problem == {
        "field": misspelled,
        "message": f"unknown field; did you mean `{meant}`?",
    }
    assert not Assignment.objects.exists()


def test_fields_unlike_any_and_beside_the_known_one_are_ignored() -> None:
    optimization = make_live_optimization()

    answer = serve_user(
        optimization, context={}, contexts=1, page="home", eligible={}, variant=2
    )

    assert answer.status_code == 200


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
    optimization = make_live_optimization()

    response = Api().post(f"/optimizations/{optimization.pk}/serve", body)

    error = read_error(response)
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
def test_a_malformed_body_is_refused_and_writes_nothing(
    body: bytes, status: int
) -> None:
    optimization = make_live_optimization()

    response = Api().post(f"/optimizations/{optimization.pk}/serve", body)

    read_error(response)
    assert response.status_code == status
    assert not Assignment.objects.exists()


@pytest.mark.parametrize(
    "optimization_id", [None, 5, "nope", "{" + "1" * 35, "x" * 10_000]
)
def test_best_variant_names_a_bad_id(optimization_id: object) -> None:
    response = Api().post(
        "/optimizations/best-variant",
        {"optimization_id": optimization_id, "anonymous_id": "u"},
    )

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "optimization_id"


def test_unknown_fields_are_ignored() -> None:
    response = serve_user(make_live_optimization(), surprise={"deep": [1]}, session="s")

    assert response.status_code == 200


json_values = st.recursive(
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
        json_values | st.dictionaries(st.sampled_from(["device", "y"]), json_values),
    )
)
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_body_is_a_server_error(body: dict[str, Any]) -> None:
    raw = json.dumps(body, ensure_ascii=True).encode()

    for path in (f"/optimizations/{uuid4()}/serve", "/optimizations/best-variant"):
        response = PUBLIC.post(path, raw)
        assert response.status_code in {400, 404, 413}
        read_error(response)


def test_any_origin_may_serve_and_preflights_are_answered() -> None:
    optimization = make_live_optimization()
    path = f"/optimizations/{optimization.pk}/serve"
    headers = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    preflight = Api().request("OPTIONS", path, headers=headers)
    answer = serve_user(optimization, headers={"Origin": "https://shop.example"})

    assert preflight.status_code in {200, 204}
    assert preflight["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "POST" in preflight["Access-Control-Allow-Methods"]
    assert "content-type" in preflight["Access-Control-Allow-Headers"].lower()
    assert answer["Access-Control-Allow-Origin"] == "https://shop.example"
    assert Api().get(path).status_code == 405


def test_origins_that_are_not_allowed_are_refused() -> None:
    optimization = make_live_optimization(allowed_origins=["https://shop.example"])

    refused = serve_user(optimization, headers={"Origin": "https://evil.example"})
    allowed = serve_user(optimization, headers={"Origin": "https://shop.example"})
    server = serve_user(optimization, "u2")

    assert refused.status_code == 403
    assert refused["Access-Control-Allow-Origin"] == "https://evil.example"
    assert (allowed.status_code, server.status_code) == (200, 200)
    assert Assignment.objects.count() == 2


def test_a_wildcard_allows_the_subdomains() -> None:
    optimization = make_live_optimization(allowed_origins=["https://*.shop.example"])

    statuses = [
        serve_user(optimization, headers={"Origin": origin}).status_code
        for origin in ("https://a.b.shop.example", "https://shop.example")
    ]

    assert statuses == [200, 403]


def test_too_many_requests_of_an_address_are_a_429(settings: Settings) -> None:
    settings.RATELIMIT_SERVE = "2/d"
    optimization = make_live_optimization()

    answers = [serve_user(optimization, f"u{n}") for n in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Limit"] == "2"
    assert answers[0]["RateLimit-Remaining"] == "1"
    assert int(answers[2]["Retry-After"]) >= 1
    assert answers[2]["Access-Control-Allow-Origin"] == "*"
    assert Assignment.objects.count() == 2


def test_too_many_new_users_are_a_429_and_returning_ones_are_not(
    settings: Settings,
) -> None:
    settings.NEW_USERS_PER_MINUTE = 3
    optimization = make_live_optimization()

    answers: list[Any] = []

    def is_refused() -> bool:  # a thread of its own sends the count
        answers.append(serve_user(optimization, f"u{len(answers)}"))
        return len(answers) >= 8 and answers[-1].status_code != 200

    until(is_refused, 10)
    returning = serve_user(optimization, "u0")

    codes = [answer.status_code for answer in answers]
    assert codes[:3] == [200, 200, 200]
    assert codes[-1] == 429
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert returning.status_code == 200
    assert Assignment.objects.count() == codes.count(200)


def test_a_serve_queries_the_database_for_the_claim_only() -> None:
    optimization = make_live_optimization()
    serve_user(optimization, "warm")

    with CaptureQueriesContext(connection) as captured:
        serve_user(optimization, "u1")

    assert len(captured) == 0  # the claim uses the committer's own connection
