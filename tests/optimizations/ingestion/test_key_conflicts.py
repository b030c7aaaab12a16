"""An idempotency key that comes with another event is a conflict, not a repeat."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from optimizations.models import Optimization
from tests.support import tracking, traffic
from tests.support.event_batches import build_batch, count_stored
from tests.support.factories import Api, read_body, read_error
from warehouse.models import EventKey, ManagedReward

pytestmark = pytest.mark.django_db

AT = timezone.now() - timedelta(hours=2)
OPTIMIZATION_ID = "optimization_id"


def _build_reward(**fields: Any) -> dict[str, Any]:
    return traffic.build_reward(
        "ann",
        **{
            "idempotency_key": "order-1",
            "value": 10,
            "timestamp": AT.isoformat(),
            "properties": {"a": 1, "b": 2},
            **fields,
        },
    )


@pytest.mark.parametrize(
    "other",
    [
        {"value": 99},
        {"name": "refund"},
        {"anonymous_id": "bob"},
        {"timestamp": (AT + timedelta(days=-1)).isoformat()},
        {"properties": {"a": 2, "b": 2}},
        {"properties": None},
        {OPTIMIZATION_ID: "own"},
    ],
)
def test_a_reward_key_with_another_reward_is_a_conflict_by_index(
    optimization: Optimization, api: Api, other: dict[str, Any]
) -> None:
    if OPTIMIZATION_ID in other:
        other = {OPTIMIZATION_ID: str(optimization.pk)}
    first, another = _build_reward(), _build_reward(**other)
    api.post("/ingest/rewards", build_batch(first))

    mixed = api.post(
        "/ingest/rewards", build_batch(traffic.build_reward("cid"), another, first)
    )
    alone = api.post("/ingest/rewards", build_batch(another))

    body = read_body(mixed)
    assert (mixed.status_code, body["accepted"], body["duplicates"]) == (207, 1, 1)
    (rejection,) = body["rejected"]
    assert (rejection["index"], rejection["code"]) == (1, "conflict")
    assert rejection["message"].startswith("idempotency_key: was used for another")
    assert alone.status_code == 409
    assert read_error(alone)["code"] == "conflict"
    (problem,) = read_error(alone)["details"]
    assert problem["field"] == "events[0].idempotency_key"
    assert list(
        ManagedReward.objects.filter(value=10.0).values_list("name", "anonymous_id")
    ) == [("purchase", "ann")]


@pytest.mark.parametrize(
    "repeat",
    [
        {},
        {"value": 10.0},
        {"properties": {"b": 2, "a": 1}},
        {"timestamp": AT.isoformat().replace("+00:00", "Z")},
        {"timestamp": None},
        {"unknown": 1},
    ],
)
def test_the_same_reward_written_otherwise_is_a_duplicate(
    optimization: Optimization, api: Api, repeat: dict[str, Any]
) -> None:
    api.post("/ingest/rewards", build_batch(_build_reward()))

    again = api.post("/ingest/rewards", build_batch(_build_reward(**repeat)))

    assert (again.status_code, read_body(again)["duplicates"]) == (200, 1)


def test_a_repeat_without_a_time_is_a_duplicate_at_any_time(
    optimization: Optimization, api: Api
) -> None:
    reward = traffic.build_reward("ann", idempotency_key="one")

    answers = [api.post("/ingest/rewards", build_batch(reward)) for _ in range(2)]

    assert [read_body(answer)["duplicates"] for answer in answers] == [0, 1]


def test_a_time_that_the_server_set_is_not_compared(
    optimization: Optimization, api: Api
) -> None:
    first = _build_reward(timestamp=None)
    api.post("/ingest/rewards", build_batch(first))
    stored = ManagedReward.objects.get().timestamp_utc

    later = api.post("/ingest/rewards", build_batch(_build_reward()))
    other = api.post("/ingest/rewards", build_batch(_build_reward(value=99)))

    assert (later.status_code, read_body(later)["duplicates"]) == (200, 1)
    assert other.status_code == 409
    assert ManagedReward.objects.get().timestamp_utc == stored


def test_an_exposure_repeated_without_its_time_is_a_duplicate(
    optimization: Optimization, api: Api
) -> None:
    untimed = traffic.build_exposure(optimization, "ann", idempotency_key="one")
    timed = {**untimed, "timestamp": AT.isoformat()}
    api.post("/ingest/exposures", build_batch(timed))

    again = api.post("/ingest/exposures", build_batch(untimed))
    other = api.post("/ingest/exposures", build_batch({**untimed, "policy_version": 3}))

    assert (again.status_code, read_body(again)["duplicates"]) == (200, 1)
    assert other.status_code == 409


def test_a_page_that_repeats_without_a_time_repeats(optimization: Optimization) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    reward = tracking.build_reward("revenue", value=10, idempotency_key="one")
    tracking.track(key, {**reward, "timestamp": AT.isoformat()})

    answer = tracking.track(key, reward)

    assert (answer.status_code, read_body(answer)["duplicates"]) == (200, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"variant": {"headline": "B", "cta": False}},
        {"context": {"device": "desktop"}},
        {"policy_version": 7},
        {"anonymous_id": "bob"},
    ],
)
def test_an_exposure_key_with_another_exposure_is_a_conflict_by_index(
    optimization: Optimization, api: Api, other: dict[str, Any]
) -> None:
    exposure = traffic.build_exposure(optimization, "ann", idempotency_key="one")
    api.post("/ingest/exposures", build_batch(exposure))

    answer = api.post(
        "/ingest/exposures",
        build_batch(exposure, {**exposure, "context": {"secret": 1}}, exposure | other),
    )

    body = read_body(answer)
    assert (body["accepted"], body["duplicates"]) == (0, 2)
    assert [item["index"] for item in body["rejected"]] == [2]


def test_a_key_with_two_events_in_one_batch_is_a_conflict_of_the_second(
    optimization: Optimization, api: Api
) -> None:
    batch = build_batch(
        _build_reward(), _build_reward(value=99), _build_reward(), _build_reward()
    )

    body = read_body(api.post("/ingest/rewards", batch))

    assert (body["accepted"], body["duplicates"]) == (1, 2)
    assert [item["index"] for item in body["rejected"]] == [1]
    assert ManagedReward.objects.get().value == 10


def test_a_page_learns_of_conflicts_by_index(optimization: Optimization) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    reward = tracking.build_reward("revenue", value=10, idempotency_key="one")
    exposure = tracking.build_exposure(optimization, idempotency_key="two")
    tracking.track(key, reward, exposure)

    mixed = tracking.track(
        key,
        reward,
        {**reward, "value": 99},
        exposure,
        {**exposure, "variant_number": 1},
    )
    alone = tracking.track(
        key, {**reward, "value": 99}, {**exposure, "variant_number": 1}
    )

    body = read_body(mixed)
    assert (body["accepted"], body["duplicates"]) == (0, 2)
    assert [(item["index"], item["code"]) for item in body["rejected"]] == [
        (1, "conflict"),
        (3, "conflict"),
    ]
    assert alone.status_code == 409
    assert [detail["field"] for detail in read_error(alone)["details"]] == [
        "events[0].idempotency_key",
        "events[1].idempotency_key",
    ]


def test_keys_stored_before_there_were_digests_count_as_repeats(
    optimization: Optimization, api: Api
) -> None:
    api.post("/ingest/rewards", build_batch(_build_reward()))
    EventKey.objects.update(digest=None)

    again = api.post("/ingest/rewards", build_batch(_build_reward(value=99)))

    assert (again.status_code, read_body(again)["duplicates"]) == (200, 1)


def test_a_batch_of_new_keys_asks_the_database_no_second_time(
    optimization: Optimization, api: Api
) -> None:
    def count_looks(*values: float) -> int:
        rewards = [
            _build_reward(value=value, idempotency_key=f"{value}") for value in values
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            api.post("/ingest/rewards", build_batch(*rewards))
        return sum("digest FROM event_keys" in query["sql"] for query in queries)

    assert [count_looks(1, 2), count_looks(3), count_looks(3, 4)] == [0, 0, 1]


@pytest.mark.parametrize("rest", [[], [{}] * 60])
def test_a_null_value_is_refused_by_index(
    optimization: Optimization, api: Api, rest: list[dict[str, Any]]
) -> None:
    good = [traffic.build_reward("ann") for _ in rest]
    bad = traffic.build_reward("bob", value=None)

    answer = api.post("/ingest/rewards", build_batch(*good, bad))

    if rest:
        (rejection,) = read_body(answer)["rejected"]
        assert rejection["index"] == len(rest)
        assert rejection["message"] == "value: must be a number"
    else:
        assert answer.status_code == 400
        assert read_error(answer)["details"][0]["field"] == "events[0].value"
    assert count_stored()[1] == len(rest)


def test_a_page_that_sends_a_null_value_is_refused(optimization: Optimization) -> None:
    key = tracking.make_publishable_key(optimization.organization)

    answer = tracking.track(key, tracking.build_reward(value=None))

    assert answer.status_code == 400
    assert read_error(answer)["details"][0]["field"] == "events[0].value"
