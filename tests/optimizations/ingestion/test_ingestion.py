"""Ingestion over HTTP: what is stored, and that it is stored once."""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection, connections
from django.utils import timezone

from levered_site.organizations.models import Organization
from optimizations.models import Optimization
from tests.support import factories, traffic
from tests.support.event_batches import DAY, build_batch, count_stored
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_organization
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db


def test_an_exposure_is_stored_as_the_service_reads_it(
    optimization: Optimization, api: Api
) -> None:
    event = traffic.build_exposure(
        optimization,
        "ann",
        variant={"cta": True, "headline": "B"},
        context={"device": "mobile", "secret": "not ours"},
        timestamp=f"{DAY}T10:00:00+02:00",
        policy_version=3,
        brand_new_field=1,
    )

    answer = api.post("/ingest/exposures", build_batch(event))

    assert answer.status_code == 200, answer.content
    assert read_body(answer) | {"meta": None} == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
        "meta": None,
    }
    assert read_body(answer)["meta"]["organization_id"] == optimization.organization_id
    row = ManagedExposure.objects.get()
    assert row.variant == '{"cta":true,"headline":"B"}'
    assert row.context == '{"device":"mobile"}'
    assert (row.anonymous_id, row.policy_version) == ("ann", 3)
    assert row.timestamp_utc.isoformat() == f"{DAY}T08:00:00+00:00"


def test_a_reward_needs_a_name_and_is_worth_one(
    optimization: Optimization, api: Api
) -> None:
    batch = build_batch(
        traffic.build_reward("ann"),
        traffic.build_reward("bob", value=2.5, properties={"sku": "x"}),
    )

    answer = api.post("/ingest/rewards", batch)

    assert answer.status_code == 200, answer.content
    ann, bob = ManagedReward.objects.order_by("anonymous_id")
    assert (ann.value, ann.properties, ann.optimization_id) == (1.0, None, None)
    assert (bob.value, bob.properties) == (2.5, {"sku": "x"})


def test_an_idempotency_key_counts_once_in_a_batch_and_across_batches(
    optimization: Optimization, api: Api
) -> None:
    events = [
        traffic.build_exposure(optimization, "ann", idempotency_key="one"),
        traffic.build_exposure(optimization, "bob", idempotency_key="two"),
        traffic.build_exposure(optimization, "ann", idempotency_key="one"),
        traffic.build_exposure(optimization, "cid"),
    ]

    first = read_body(api.post("/ingest/exposures", build_batch(*events)))
    second = read_body(api.post("/ingest/exposures", build_batch(*events)))

    assert (first["accepted"], first["duplicates"]) == (3, 1)
    assert (second["accepted"], second["duplicates"]) == (1, 3)
    assert count_stored() == (4, 0, 2)


def test_the_same_key_of_another_endpoint_or_organization_is_another_key(
    optimization: Optimization, api: Api
) -> None:
    stranger = Api(factories.make_api_key(make_organization()))
    reward = build_batch(traffic.build_reward("ann", idempotency_key="one"))
    exposure = build_batch(
        traffic.build_exposure(optimization, "ann", idempotency_key="one")
    )

    accepted = [
        read_body(api.post("/ingest/exposures", exposure))["accepted"],
        read_body(api.post("/ingest/rewards", reward))["accepted"],
        read_body(stranger.post("/ingest/rewards", reward))["accepted"],
    ]

    assert accepted == [1, 1, 1]


def test_known_keys_among_new_ones_are_duplicates(
    optimization: Optimization, api: Api
) -> None:
    def send(*numbers: int) -> dict[str, Any]:
        rewards = [
            traffic.build_reward(f"user-{number}", idempotency_key=f"key {number}")
            for number in numbers
        ]
        batch = build_batch(*rewards, traffic.build_reward("without a key"))
        return read_body(api.post("/ingest/rewards", batch))

    answers = [send(1, 2), send(0, 2, 3, 3), send(5), send(5)]

    assert [(answer["accepted"], answer["duplicates"]) for answer in answers] == [
        *((3, 0), (3, 2), (2, 0), (1, 1)),
    ]
    assert count_stored() == (0, 9, 5)


def test_a_rejected_event_leaves_its_key_unused(
    optimization: Optimization, api: Api
) -> None:
    good = traffic.build_reward("ann", idempotency_key="one")
    bad = {**good, "value": "much"}
    other = traffic.build_reward("bob")

    first = read_body(api.post("/ingest/rewards", build_batch(bad, other)))
    second = read_body(api.post("/ingest/rewards", build_batch(good, other)))

    assert [(first["accepted"], second["accepted"])] == [(1, 2)]


def test_a_compressed_batch_is_stored(optimization: Optimization, api: Api) -> None:
    body = orjson.dumps(build_batch(*[traffic.build_reward("ann")] * 500))

    answer = api.post("/ingest/rewards", gzip.compress(body), Content_Encoding="gzip")

    assert answer.status_code == 200, answer.content
    assert count_stored() == (0, 500, 0)


def test_a_compressed_batch_needs_a_key_before_it_is_decompressed() -> None:
    answer = Api("lev_unknown").post(
        "/ingest/rewards", b"no gzip", Content_Encoding="gzip"
    )

    assert answer.status_code == 401


@pytest.mark.django_db(transaction=True)
def test_concurrent_duplicates_are_stored_once(optimization: Optimization) -> None:
    secret = factories.make_api_key(optimization.organization)
    events = [
        traffic.build_exposure(
            optimization, f"user-{number}", idempotency_key=f"key-{number}"
        )
        for number in range(100)
    ]

    def send(turn: int) -> int:
        shuffled = events[turn * 10 :] + events[: turn * 10]
        answer = Api(secret).post("/ingest/exposures", build_batch(*shuffled))
        connections.close_all()
        return int(read_body(answer)["accepted"])

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(send, range(8)))

    assert accepted == 100
    assert count_stored() == (100, 0, 100)


@pytest.fixture
def _missing_key_table(transactional_db: None) -> Iterator[None]:
    """Rename the table of keys, so that the batch's statement fails in the middle."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE event_keys RENAME TO event_keys_away")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE event_keys_away RENAME TO event_keys")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_missing_key_table")
def test_a_failure_in_the_middle_stores_nothing(
    optimization: Optimization, api: Api
) -> None:
    batch = build_batch(
        traffic.build_exposure(optimization, "ann", idempotency_key="one")
    )

    answer = api.post("/ingest/exposures", batch)

    assert answer.status_code >= 500
    assert ManagedExposure.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_store_that_does_not_answer_is_a_503_and_the_retry_counts_once(
    optimization: Optimization, api: Api
) -> None:
    batch = build_batch(
        traffic.build_exposure(optimization, "ann", idempotency_key="one")
    )
    other = connections.create_connection("default")
    other.set_autocommit(False)
    other.cursor().execute("LOCK TABLE managed_exposures IN ACCESS EXCLUSIVE MODE")
    connection.cursor().execute("SET statement_timeout = '300ms'")

    away = api.post("/ingest/exposures", batch)
    other.rollback()
    other.close()
    connection.cursor().execute("RESET statement_timeout")
    again = api.post("/ingest/exposures", batch)

    assert away.status_code == 503
    assert read_error(away)["code"] == "unavailable"
    assert away["Retry-After"] == "1"
    assert read_body(again)["accepted"] == 1
    assert count_stored() == (1, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_missing_day_partition_is_created(
    optimization: Optimization, api: Api
) -> None:
    long_ago = (timezone.now() - timedelta(days=200)).isoformat()

    batch = build_batch(
        traffic.build_reward("ann", timestamp=long_ago), traffic.build_reward("bob")
    )
    answer = api.post("/ingest/rewards", batch)

    assert read_body(answer)["accepted"] == 2
    assert count_stored() == (0, 2, 0)


def test_requests_are_counted_by_key(settings: Any) -> None:
    settings.RATELIMIT_INGEST = "2/d"
    organization: Organization = make_organization()
    first, second = (Api(factories.make_api_key(organization)) for _ in range(2))
    batch = build_batch(traffic.build_reward("ann"))

    codes = [first.post("/ingest/rewards", batch).status_code for _ in range(3)]
    other = second.post("/ingest/rewards", batch)

    assert codes == [200, 200, 429]
    assert other.status_code == 200
    assert other["RateLimit-Limit"] == "2"
