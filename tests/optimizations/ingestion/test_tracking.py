"""/track: what a page sends with a publishable key is stored as a backend's events are."""

import threading
from datetime import timedelta

import orjson
import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from levered_site.organizations.models import ApiKey
from optimizations.models import Optimization
from tests.support import tracking
from tests.support.event_batches import count_stored
from tests.support.factories import Api, make_api_key, read_body, read_error
from tests.support.tracking import build_exposure, build_reward, track
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(optimization: Optimization) -> str:
    """A publishable key of the optimization's organization, for any page."""
    return tracking.make_publishable_key(optimization.organization)


def test_rewards_and_exposures_of_a_user_are_stored_in_one_call(
    optimization: Optimization, key: str
) -> None:
    answer = track(
        key,
        build_exposure(optimization, context={"device": "mobile", "secret": 1}),
        build_reward(),
        build_reward("revenue", value=99.5, idempotency_key="order-1"),
    )

    body = read_body(answer)
    assert answer.status_code == 200, body
    assert (body["accepted"], body["duplicates"], body["rejected"]) == (3, 0, [])
    assert body["meta"]["organization_id"] == optimization.organization_id
    exposure = ManagedExposure.objects.get()
    assert exposure.variant == optimization.variants.get(number=2).variant_key
    assert (exposure.context, exposure.policy_version) == ('{"device":"mobile"}', 0)
    assert exposure.anonymous_id == "ann"
    rewards = ManagedReward.objects.order_by("name").values_list("name", "value")
    assert list(rewards) == [("purchase", 1.0), ("revenue", 99.5)]
    stored_for = ManagedReward.objects.values_list("anonymous_id", "organization_id")
    assert set(stored_for) == {("ann", optimization.organization_id)}


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "text/plain;charset=UTF-8",  # navigator.sendBeacon with a string
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "",
    ],
)
def test_any_media_type_is_read_as_json(key: str, media_type: str) -> None:
    body = {"key": key, "anonymous_id": "ann", "events": [build_reward()]}

    answer = tracking.PAGE.client.post(
        "/api/v2/track", orjson.dumps(body), content_type=media_type
    )

    assert answer.status_code == 200, answer.content
    assert ManagedReward.objects.count() == 1


def test_the_key_may_come_in_a_header(key: str) -> None:
    answers = [
        track(None, build_reward(), headers={"X-API-Key": key}),
        track(None, build_reward(), headers={"Authorization": f"Bearer {key}"}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_an_idempotency_key_counts_once(optimization: Optimization, key: str) -> None:
    events = [
        build_reward(idempotency_key="order-1"),
        build_exposure(optimization, idempotency_key="view-1"),
    ]
    track(key, *events)

    body = read_body(track(key, *events, build_reward()))

    assert (body["accepted"], body["duplicates"]) == (1, 2)
    assert count_stored() == (1, 2, 2)


def test_a_pages_idempotency_key_holds_back_no_event_of_others(
    optimization: Optimization, key: str
) -> None:
    """Anybody can read the key of a page, and guess the keys of a backend."""
    secret = make_api_key(optimization.organization)
    reward = {"name": "purchase", "idempotency_key": "order-1"}

    track(key, build_reward(idempotency_key="order-1"))
    others = track(key, build_reward(idempotency_key="order-1"), anonymous_id="other")
    backend = Api(secret).post(
        "/ingest/rewards", {"events": [{"anonymous_id": "victim", **reward}]}
    )

    assert read_body(others)["accepted"] == 1
    assert read_body(backend)["accepted"] == 1


def test_a_refused_event_does_not_hold_back_the_others(
    optimization: Optimization, key: str
) -> None:
    answer = track(
        key,
        build_reward("signup"),
        build_exposure(optimization, variant_number=99),
        build_reward(),
        build_exposure(optimization),
        build_reward("revenue", value=501),
    )

    body = read_body(answer)
    assert answer.status_code == 207
    assert (body["accepted"], body["duplicates"]) == (2, 0)
    assert [(item["index"], item["message"]) for item in body["rejected"]] == [
        (0, "name: must be a reward of this key: purchase, revenue"),
        (1, "variant_number: must be the number of a variant"),
        (4, "value: must be within -10 and 500 with this key"),
    ]
    assert {item["code"] for item in body["rejected"]} == {"invalid_parameters"}
    assert count_stored() == (1, 1, 0)


def test_what_ingestion_itself_refuses_keeps_its_index(
    optimization: Optimization, key: str
) -> None:
    """One exposure's context is refused when it is placed, after the page's rules."""
    broken = build_exposure(optimization, context={"device": ["mobile"]})

    body = read_body(track(key, build_reward(), broken, build_exposure(optimization)))
    alone = read_body(track(key, build_reward(), broken))

    for answer, accepted in ((body, 2), (alone, 1)):
        assert answer["accepted"] == accepted
        assert [item["index"] for item in answer["rejected"]] == [1]
        assert answer["rejected"][0]["message"].startswith("context.device: ")


def test_unknown_fields_are_ignored(optimization: Optimization, key: str) -> None:
    """A reward is attributed by its name, whatever optimization the page names."""
    foreign = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"

    answer = track(key, build_reward(optimization_id=foreign, brand_new=1), new_field=2)

    assert answer.status_code == 200
    assert ManagedReward.objects.get().optimization_id is None


def test_a_key_without_rewards_takes_exposures_only(
    optimization: Optimization,
) -> None:
    key = tracking.make_publishable_key(optimization.organization, rewards=())

    body = read_body(track(key, build_reward(), build_exposure(optimization)))

    assert body["accepted"] == 1
    assert body["rejected"][0]["message"] == "name: must be a reward of this key: none"


def test_the_use_of_the_key_is_recorded(key: str) -> None:
    track(key, build_reward())

    assert ApiKey.objects.get(public_key=key).last_used_at is not None


def test_requests_are_limited_per_address(key: str, settings: Settings) -> None:
    settings.RATELIMIT_TRACK = "2/d"

    answers = [track(key, build_reward()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert read_error(answers[2])["code"] == "rate_limited"
    assert answers[2]["RateLimit-Limit"] == "2"
    assert "Retry-After" in answers[2]
    assert ManagedReward.objects.count() == 2


def test_a_call_with_a_known_key_reads_no_key_from_the_database(
    optimization: Optimization, key: str
) -> None:
    track(key, build_reward())

    with CaptureQueriesContext(connection) as queries:
        track(key, build_exposure(optimization))

    assert len(queries) > 0
    assert not any("apikey" in query["sql"] for query in queries)


@pytest.mark.django_db(transaction=True)
def test_beacons_that_race_with_one_idempotency_key_count_once(
    optimization: Optimization,
) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    start = threading.Barrier(8)
    accepted: list[int] = []

    def send() -> None:
        start.wait()
        body = read_body(track(key, build_reward(idempotency_key="once")))
        accepted.append(body["accepted"])
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(accepted) == [0] * 7 + [1]
    assert ManagedReward.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_store_that_goes_away_is_a_503_and_the_repeat_counts_once(
    optimization: Optimization,
) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    events = [
        build_reward(idempotency_key="order-1"),
        build_exposure(optimization, idempotency_key="view-1"),
    ]
    other = connections.create_connection("default")
    other.set_autocommit(False)
    other.cursor().execute("LOCK TABLE managed_rewards IN ACCESS EXCLUSIVE MODE")
    connection.cursor().execute("SET statement_timeout = '300ms'")

    away = track(key, *events)
    other.rollback()
    other.close()
    connection.cursor().execute("RESET statement_timeout")
    again = track(key, *events)

    assert (away.status_code, read_error(away)["code"]) == (503, "unavailable")
    assert away["Retry-After"] == "1"
    assert again.status_code == 200
    assert count_stored() == (1, 1, 2)


@pytest.mark.django_db(transaction=True)
def test_events_of_a_day_without_a_partition_are_stored(
    optimization: Optimization,
) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    long_ago = (timezone.now() - timedelta(days=200)).isoformat()

    answer = track(
        key,
        build_reward(timestamp=long_ago),
        build_exposure(optimization, timestamp=long_ago),
    )

    assert read_body(answer)["accepted"] == 2
