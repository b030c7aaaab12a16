"""/track: who is refused, which events are, and which pages may send them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.models import ApiKey
from optimizations.models import Optimization
from tests.support import factories, tracking
from tests.support.event_batches import count_stored
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import make_live_optimization
from tests.support.tracking import build_exposure, build_reward, track
from warehouse.models import Connection

pytestmark = pytest.mark.django_db
SHOP = "https://www.shop.example"
NOTHING = (0, 0, 0)


@pytest.fixture
def key(optimization: Optimization) -> str:
    """A publishable key of the optimization's organization, for any page."""
    return tracking.make_publishable_key(optimization.organization)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": "signup"}, "name: must be a reward of this key: purchase, revenue"),
        ({"name": None}, "name: "),
        ({"value": 2}, "value: must be within 1 and 1 with this key"),
        ({"value": 0}, "value: must be within 1 and 1 with this key"),
        ({"value": "1"}, "value: must be a number"),
        ({"value": True}, "value: must be a number"),
        ({"timestamp": "2026-01-01T00:00:00"}, "timestamp: "),
        ({"timestamp": "1999-01-01T00:00:00Z"}, "timestamp: "),
        ({"timestamp": 5}, "timestamp: "),
        ({"idempotency_key": ""}, "idempotency_key: "),
        ({"idempotency_key": 5}, "idempotency_key: "),
        ({"type": "click"}, "type: must be reward or exposure"),
        ({"type": None}, "type: must be reward or exposure"),
        ({"type": ["reward"]}, "type: must be reward or exposure"),
    ],
)
def test_an_invalid_reward_is_refused_by_index(
    key: str, fields: dict[str, Any], problem: str
) -> None:
    body = read_body(track(key, build_reward(), build_reward(**fields)))

    assert body["accepted"] == 1
    [rejected] = body["rejected"]
    assert rejected["index"] == 1
    assert rejected["message"].startswith(problem)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"variant_number": 0}, "variant_number: "),
        ({"variant_number": 5}, "variant_number: must be the number of a variant"),
        ({"variant_number": "2"}, "variant_number: must be an integer"),
        ({"variant_number": True}, "variant_number: must be an integer"),
        ({"variant_number": 10**15}, "variant_number: "),
        ({"policy_version": None}, "policy_version: must be an integer"),
        ({"policy_version": -1}, "policy_version: "),
        ({"optimization_id": "x"}, "optimization_id: must be a UUID"),
        ({"optimization_id": None}, "optimization_id: must be a UUID"),
        ({"context": "mobile"}, "context: must be an object"),
    ],
)
def test_an_invalid_exposure_is_refused_by_index(
    optimization: Optimization, key: str, fields: dict[str, Any], problem: str
) -> None:
    body = read_body(track(key, build_reward(), build_exposure(optimization, **fields)))

    assert body["accepted"] == 1
    [rejected] = body["rejected"]
    assert rejected["index"] == 1
    assert rejected["message"].startswith(problem)


def test_an_exposure_of_another_organizations_optimization_is_refused(
    optimization: Optimization, key: str
) -> None:
    foreign = make_live_optimization()

    body = read_body(track(key, build_exposure(foreign), build_exposure(optimization)))

    assert body["accepted"] == 1
    assert body["rejected"] == [
        {
            "index": 0,
            "code": "invalid_parameters",
            "message": "optimization_id: must be an optimization of the key's "
            "organization",
        }
    ]


@pytest.mark.parametrize("events", [None, {}, [], [build_reward()] * 51, "x"])
def test_a_batch_has_1_to_50_events(key: str, events: object) -> None:
    refused = track(key, events=events)

    error = read_error(refused)
    assert (refused.status_code, error["code"]) == (400, "invalid_parameters")
    assert error["details"][0]["field"] == "events"
    assert count_stored() == NOTHING


def test_50_events_are_taken(key: str) -> None:
    assert read_body(track(key, *[build_reward()] * 50))["accepted"] == 50


@pytest.mark.parametrize("anonymous_id", [None, "", 5, "x" * 257, "a\0b", ["ann"]])
def test_an_invalid_anonymous_id_refuses_the_request(
    key: str, anonymous_id: object
) -> None:
    refused = track(key, build_reward(), "no event", anonymous_id=anonymous_id)

    error = read_error(refused)
    assert (refused.status_code, error["code"]) == (400, "invalid_parameters")
    assert [item["field"] for item in error["details"]] == ["anonymous_id"]
    assert count_stored() == NOTHING


def test_without_a_valid_event_nothing_is_stored_and_each_problem_is_named(
    key: str,
) -> None:
    refused = track(key, build_reward("signup"), "no event")

    error = read_error(refused)
    assert (refused.status_code, error["code"]) == (400, "invalid_parameters")
    assert [item["field"] for item in error["details"]] == [
        "events[0].name",
        "events[1]",
    ]
    assert count_stored() == NOTHING


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"events": NaN}'])
def test_a_body_that_is_no_object_is_a_bad_request(raw: bytes) -> None:
    refused = tracking.PAGE.request("POST", "/track", raw)

    assert (refused.status_code, read_error(refused)["code"]) == (400, "bad_request")


def test_a_body_over_64_kb_is_too_large(key: str) -> None:
    refused = track(key, build_reward(), padding="x" * 65_536)

    assert (refused.status_code, read_error(refused)["code"]) == (
        413,
        "payload_too_large",
    )


@pytest.mark.parametrize("sent", [None, "", "lev_pub_unknown", "other", "lev_é"])
def test_a_missing_or_unknown_key_is_a_401(sent: str | None) -> None:
    refused = track(sent, build_reward())

    assert (refused.status_code, read_error(refused)["code"]) == (401, "unauthorized")
    assert count_stored() == NOTHING


def test_a_key_that_is_no_text_is_named() -> None:
    refused = tracking.PAGE.post("/track", {"key": 5, "events": []})

    assert read_error(refused)["details"][0]["field"] == "key"


@pytest.mark.parametrize("scope", ["ingest", "serve", "read", "write"])
def test_a_secret_key_is_refused(optimization: Optimization, scope: str) -> None:
    secret = factories.make_api_key(optimization.organization, scopes=(scope,))

    refused = track(secret, build_reward())

    assert (refused.status_code, read_error(refused)["code"]) == (403, "forbidden")
    assert "`track`" in read_error(refused)["message"]
    assert count_stored() == NOTHING


def test_a_persons_token_is_refused(optimization: Optimization) -> None:
    token = factories.admin_token(optimization.organization)

    refused = track(None, build_reward(), headers={"Authorization": f"Bearer {token}"})

    assert refused.status_code == 401


def test_an_expired_key_is_refused(optimization: Optimization) -> None:
    key = tracking.make_publishable_key(
        optimization.organization, expires_at=timezone.now() + timedelta(hours=1)
    )
    ApiKey.objects.update(expires_at=timezone.now())

    refused = track(key, build_reward())

    assert refused.status_code == 401
    assert "expired" in read_error(refused)["message"]


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        (SHOP, True),
        ("https://eu.brand.example", True),
        ("https://a.b.brand.example", True),
        (None, True),  # no page: an app, a server
        ("https://brand.example", False),
        ("https://evilbrand.example", False),
        ("http://www.shop.example", False),
        ("https://www.shop.example.evil.example", False),
        ("null", False),
    ],
)
def test_only_pages_of_the_keys_origins_may_send(
    optimization: Optimization, origin: str | None, is_allowed: bool
) -> None:
    key = tracking.make_publishable_key(
        optimization.organization, origins=(SHOP, "https://*.brand.example")
    )
    headers = {} if origin is None else {"Origin": origin}

    answer = track(key, build_reward(), headers=headers)

    assert answer.status_code == (200 if is_allowed else 403)
    assert count_stored() == ((0, 1, 0) if is_allowed else NOTHING)
    assert answer["Access-Control-Allow-Origin"] in {origin, "*"}


def test_a_preflight_is_answered() -> None:
    answer = tracking.PAGE.request(
        "OPTIONS",
        "/track",
        headers={
            "Origin": SHOP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )

    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] in {SHOP, "*"}
    assert "content-type" in answer["Access-Control-Allow-Headers"].lower()


def test_an_organization_with_its_own_warehouse_is_a_conflict(
    optimization: Optimization, key: str
) -> None:
    Connection.objects.create(
        organization=optimization.organization, provider="postgres", credentials=b"x"
    )

    refused = track(key, build_reward())

    assert (refused.status_code, read_error(refused)["code"]) == (409, "conflict")


def test_unknown_keys_are_limited_per_address_and_valid_ones_go_on(
    key: str, settings: Any
) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"

    guesses = [track(f"lev_pub_{number}", build_reward()) for number in range(4)]

    assert [guess.status_code for guess in guesses] == [401, 401, 429, 429]
    assert track(key, build_reward()).status_code == 200


def test_unknown_keys_use_up_nothing_of_the_visitors_behind_their_address(
    key: str, settings: Any
) -> None:
    settings.RATELIMIT_TRACK = "2/d"

    guesses = [track(f"lev_pub_{number}", build_reward()) for number in range(3)]
    visits = [track(key, build_reward()) for _ in range(3)]

    assert [guess.status_code for guess in guesses] == [401] * 3
    assert [visit.status_code for visit in visits] == [200, 200, 429]
    assert visits[0]["RateLimit-Remaining"] == "1"
    assert track("lev_pub_x", build_reward()).status_code == 401
    assert track(None, build_reward()).status_code == 429
