"""Ingestion over HTTP: what is kept, once, and what is refused, whole or in part."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.utils import timezone

from levered_site.organizations.models import Organization
from optimizations.models import Optimization
from tests import factories
from tests.factories import Api, body_of, error_of
from tests.optimizations import factories as made, traffic
from warehouse.models import Connection, EventKey, ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db

DAY = timezone.now().date() - timedelta(days=2)


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization of an organization of its own."""
    return made.optimization(made.organization())


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A backend with that organization's key."""
    return Api(factories.api_key(optimization.organization))


def exposures(*events: Any) -> dict[str, Any]:
    """Write a batch."""
    return {"events": list(events)}


def kept() -> tuple[int, int, int]:
    """Count what is in the store: exposures, rewards, keys."""
    return (
        ManagedExposure.objects.count(),
        ManagedReward.objects.count(),
        EventKey.objects.count(),
    )


def test_an_exposure_is_kept_as_the_service_reads_it(
    optimization: Optimization, api: Api
) -> None:
    event = traffic.exposure(
        optimization,
        "ann",
        variant={"cta": True, "headline": "B"},
        context={"device": "mobile", "secret": "not ours"},
        timestamp=f"{DAY}T10:00:00+02:00",
        policy_version=3,
        brand_new_field=1,
    )

    answer = api.post("/ingest/exposures", exposures(event))

    assert answer.status_code == 200, answer.content
    assert body_of(answer) | {"meta": None} == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
        "meta": None,
    }
    assert body_of(answer)["meta"]["organization_id"] == optimization.organization_id
    row = ManagedExposure.objects.get()
    assert row.variant == '{"cta":true,"headline":"B"}'
    assert row.context == '{"device":"mobile"}'
    assert (row.anonymous_id, row.policy_version) == ("ann", 3)
    assert row.timestamp_utc.isoformat() == f"{DAY}T08:00:00+00:00"


def test_a_reward_needs_a_name_and_is_worth_one(
    optimization: Optimization, api: Api
) -> None:
    sent = exposures(
        traffic.reward("ann"),
        traffic.reward("bob", value=2.5, properties={"sku": "x"}),
    )

    answer = api.post("/ingest/rewards", sent)

    assert answer.status_code == 200, answer.content
    ann, bob = ManagedReward.objects.order_by("anonymous_id")
    assert (ann.value, ann.properties, ann.optimization_id) == (1.0, None, None)
    assert (bob.value, bob.properties) == (2.5, {"sku": "x"})


def test_an_idempotency_key_counts_once_in_a_batch_and_across_batches(
    optimization: Optimization, api: Api
) -> None:
    events = [
        traffic.exposure(optimization, "ann", idempotency_key="one"),
        traffic.exposure(optimization, "bob", idempotency_key="two"),
        traffic.exposure(optimization, "ann", idempotency_key="one"),
        traffic.exposure(optimization, "cid"),
    ]

    first = body_of(api.post("/ingest/exposures", exposures(*events)))
    second = body_of(api.post("/ingest/exposures", exposures(*events)))

    assert (first["accepted"], first["duplicates"]) == (3, 1)
    assert (second["accepted"], second["duplicates"]) == (1, 3)
    assert kept() == (4, 0, 2)


def test_the_same_key_on_the_other_endpoint_or_of_another_organization_is_another(
    optimization: Optimization, api: Api
) -> None:
    stranger = Api(factories.api_key(made.organization()))
    reward = exposures(traffic.reward("ann", idempotency_key="one"))
    exposure = exposures(traffic.exposure(optimization, "ann", idempotency_key="one"))

    counted = [
        body_of(api.post("/ingest/exposures", exposure))["accepted"],
        body_of(api.post("/ingest/rewards", reward))["accepted"],
        body_of(stranger.post("/ingest/rewards", reward))["accepted"],
    ]

    assert counted == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_concurrent_duplicates_are_kept_once(optimization: Optimization) -> None:
    secret = factories.api_key(optimization.organization)
    events = [
        traffic.exposure(optimization, f"user-{each}", idempotency_key=f"key-{each}")
        for each in range(100)
    ]

    def send(turn: int) -> int:
        shuffled = events[turn * 10 :] + events[: turn * 10]
        answer = Api(secret).post("/ingest/exposures", exposures(*shuffled))
        connections.close_all()
        return int(body_of(answer)["accepted"])

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(send, range(8)))

    assert accepted == 100
    assert kept() == (100, 0, 100)


def test_bad_events_are_named_and_the_good_ones_kept(
    optimization: Optimization, api: Api
) -> None:
    bad: list[Any] = [
        "text",
        traffic.exposure(optimization, ""),
        traffic.exposure(optimization, "nul\0"),
        traffic.exposure(optimization, "ann", variant={"headline": "Z", "cta": True}),
        traffic.exposure(optimization, "ann", variant={"headline": "A"}),
        traffic.exposure(optimization, "ann", variant={"headline": "A", "cta": 1}),
        traffic.exposure(optimization, "ann", context={"device": ["mobile"]}),
        traffic.exposure(optimization, "ann", timestamp=f"{DAY}T10:00:00"),
        traffic.exposure(optimization, "ann", timestamp="0001-01-01T00:00:00+23:59"),
        traffic.exposure(
            optimization,
            "ann",
            timestamp=(timezone.now() + timedelta(days=2)).isoformat(),
        ),
        traffic.exposure(optimization, "ann", policy_version=True),
        traffic.exposure(optimization, "ann", optimization_id="no uuid"),
        traffic.exposure(optimization, "ann", idempotency_key=""),
    ]

    answer = api.post(
        "/ingest/exposures", exposures(*bad, traffic.exposure(optimization, "good"))
    )

    assert answer.status_code == 207, answer.content
    rejected = body_of(answer)["rejected"]
    assert [each["index"] for each in rejected] == list(range(len(bad)))
    assert {each["code"] for each in rejected} == {"invalid_parameters"}
    named = [each["message"].split(":")[0] for each in rejected]
    assert named == [
        *("event", "anonymous_id", "anonymous_id", "variant.headline", "variant"),
        *("variant.cta", "context.device", "timestamp", "timestamp", "timestamp"),
        *("policy_version", "optimization_id", "idempotency_key"),
    ]
    assert [row.anonymous_id for row in ManagedExposure.objects.all()] == ["good"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": 5},
        {"value": "1"},
        {"value": True},
        {"value": 1e200},
        {"properties": []},
        {"properties": {"deep": "\0"}},
        {"properties": {"long": "x" * 20_000}},
        {"optimization_id": 7},
        {"timestamp": 1_700_000_000},
    ],
)
def test_a_batch_without_one_good_reward_is_a_400_that_names_the_field(
    optimization: Optimization, api: Api, fields: dict[str, Any]
) -> None:
    answer = api.post("/ingest/rewards", exposures(traffic.reward("ann", **fields)))

    assert answer.status_code == 400, answer.content
    (detail,) = error_of(answer)["details"]
    assert detail["field"] == f"events[0].{next(iter(fields))}"
    assert kept() == (0, 0, 0)


def test_an_event_that_is_no_object_is_named_by_its_place(
    optimization: Optimization, api: Api
) -> None:
    answer = api.post("/ingest/rewards", exposures("x"))

    assert answer.status_code == 400, answer.content
    assert [each["field"] for each in error_of(answer)["details"]] == ["events[0]"]
    assert kept() == (0, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"events": []}',
        b'{"events": {}}',
        b'{"events": null}',
        b"{}",
        b'{"events": ["\\ud800"]}',
        b'{"events": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"events": [' + b"{}," * 500 + b"{}]}",
    ],
)
def test_rubbish_is_a_400_and_nothing_is_kept(api: Api, body: bytes) -> None:
    answer = api.post("/ingest/rewards", body)

    assert answer.status_code == 400, answer.content
    assert error_of(answer)["code"] in {"bad_request", "invalid_parameters"}
    assert kept() == (0, 0, 0)


def test_another_organizations_optimization_refuses_the_whole_batch(
    optimization: Optimization,
) -> None:
    stranger = Api(factories.api_key(made.organization()))
    unknown = traffic.reward("ann", optimization_id=str(uuid4()))

    foreign = stranger.post(
        "/ingest/exposures", exposures(traffic.exposure(optimization, "ann"))
    )
    nobodys = stranger.post(
        "/ingest/rewards", exposures(unknown, traffic.reward("bob"))
    )

    assert [foreign.status_code, nobodys.status_code] == [403, 403]
    assert error_of(foreign)["code"] == "forbidden"
    assert kept() == (0, 0, 0)


def test_a_bearer_token_does_not_open_ingestion(optimization: Optimization) -> None:
    admin = factories.admin_of(optimization.organization)
    batch = exposures(traffic.exposure(optimization, "ann"))

    answers = [
        admin.post("/ingest/exposures", batch),
        Api().post("/ingest/exposures", batch),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert kept() == (0, 0, 0)


def test_an_organization_with_its_own_warehouse_is_told_so(
    optimization: Optimization, api: Api
) -> None:
    Connection.objects.create(
        organization=optimization.organization, provider=Connection.Provider.POSTGRES
    )

    answer = api.post("/ingest/rewards", exposures(traffic.reward("ann")))

    assert answer.status_code == 409
    assert error_of(answer)["code"] == "conflict"
    assert kept() == (0, 0, 0)


def test_a_body_over_five_megabytes_is_a_413(api: Api) -> None:
    answer = api.post("/ingest/rewards", b" " * (5 * 1024 * 1024 + 1))

    assert answer.status_code == 413
    assert kept() == (0, 0, 0)


def test_other_methods_are_a_405(api: Api) -> None:
    answer = api.get("/ingest/rewards")

    assert answer.status_code == 405
    assert error_of(answer)["code"] == "method_not_allowed"


@pytest.fixture
def _without_the_ledger(transactional_db: None) -> Iterator[None]:
    """Take away the table of keys, so that the batch's statement fails in the middle."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE event_keys RENAME TO event_keys_away")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE event_keys_away RENAME TO event_keys")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_without_the_ledger")
def test_a_failure_in_the_middle_keeps_nothing(
    optimization: Optimization, api: Api
) -> None:
    batch = exposures(traffic.exposure(optimization, "ann", idempotency_key="one"))

    answer = api.post("/ingest/exposures", batch)

    assert answer.status_code >= 500
    assert ManagedExposure.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_store_that_does_not_answer_is_a_503_and_the_retry_counts_once(
    optimization: Optimization, api: Api
) -> None:
    batch = exposures(traffic.exposure(optimization, "ann", idempotency_key="one"))
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
    assert error_of(away)["code"] == "unavailable"
    assert away["Retry-After"] == "1"
    assert body_of(again)["accepted"] == 1
    assert kept() == (1, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_day_long_ago_finds_room(optimization: Optimization, api: Api) -> None:
    long_ago = (timezone.now() - timedelta(days=200)).isoformat()

    sent = exposures(traffic.reward("ann", timestamp=long_ago), traffic.reward("bob"))
    answer = api.post("/ingest/rewards", sent)

    assert body_of(answer)["accepted"] == 2
    assert kept() == (0, 2, 0)


def test_requests_are_counted_by_key(settings: Any) -> None:
    settings.RATELIMIT_INGEST = "2/m"
    organization: Organization = made.organization()
    first, second = (Api(factories.api_key(organization)) for _ in range(2))
    batch = exposures(traffic.reward("ann"))

    codes = [first.post("/ingest/rewards", batch).status_code for _ in range(3)]
    other = second.post("/ingest/rewards", batch)

    assert codes == [200, 200, 429]
    assert other.status_code == 200
    assert other["RateLimit-Limit"] == "2"
