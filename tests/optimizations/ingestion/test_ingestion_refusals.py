"""What ingestion refuses, in whole or in part, and that it stores none of it."""

import gzip
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import factories, traffic
from tests.support.event_batches import DAY, build_batch, count_stored
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_optimization, make_organization
from warehouse.models import Connection, ManagedExposure

pytestmark = pytest.mark.django_db


def test_invalid_events_are_named_and_the_valid_ones_stored(
    optimization: Optimization, api: Api
) -> None:
    invalid: list[Any] = [
        "text",
        traffic.build_exposure(optimization, ""),
        traffic.build_exposure(optimization, "nul\0"),
        traffic.build_exposure(optimization, "  "),
        traffic.build_exposure(optimization, "line\nfeed"),
        traffic.build_exposure(optimization, "undefined"),
        traffic.build_exposure(
            optimization, "ann", variant={"headline": "Z", "cta": True}
        ),
        traffic.build_exposure(optimization, "ann", variant={"headline": "A"}),
        traffic.build_exposure(
            optimization, "ann", variant={"headline": "A", "cta": 1}
        ),
        traffic.build_exposure(optimization, "ann", context={"device": ["mobile"]}),
        traffic.build_exposure(optimization, "ann", timestamp=f"{DAY}T10:00:00"),
        traffic.build_exposure(
            optimization, "ann", timestamp="0001-01-01T00:00:00+23:59"
        ),
        traffic.build_exposure(
            optimization,
            "ann",
            timestamp=(timezone.now() + timedelta(days=2)).isoformat(),
        ),
        traffic.build_exposure(optimization, "ann", policy_version=True),
        traffic.build_exposure(optimization, "ann", optimization_id="no uuid"),
        traffic.build_exposure(optimization, "ann", idempotency_key=""),
    ]

    answer = api.post(
        "/ingest/exposures",
        build_batch(*invalid, traffic.build_exposure(optimization, "good")),
    )

    assert answer.status_code == 207, answer.content
    rejected = read_body(answer)["rejected"]
    assert [rejection["index"] for rejection in rejected] == list(range(len(invalid)))
    assert {rejection["code"] for rejection in rejected} == {"invalid_parameters"}
    fields = [rejection["message"].split(":")[0] for rejection in rejected]
    assert fields == [
        *("event", *["anonymous_id"] * 5, "variant.headline", "variant"),
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
def test_a_batch_without_a_valid_reward_is_a_400_that_names_the_field(
    optimization: Optimization, api: Api, fields: dict[str, Any]
) -> None:
    answer = api.post(
        "/ingest/rewards", build_batch(traffic.build_reward("ann", **fields))
    )

    assert answer.status_code == 400, answer.content
    (detail,) = read_error(answer)["details"]
    assert detail["field"] == f"events[0].{next(iter(fields))}"
    assert count_stored() == (0, 0, 0)


def test_an_event_that_is_no_object_is_named_by_its_index(
    optimization: Optimization, api: Api
) -> None:
    answer = api.post("/ingest/rewards", build_batch("x"))

    assert answer.status_code == 400, answer.content
    (problem,) = read_error(answer)["details"]
    assert problem["field"] == "events[0]"
    assert count_stored() == (0, 0, 0)


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
def test_a_malformed_body_is_a_400_and_nothing_is_stored(api: Api, body: bytes) -> None:
    answer = api.post("/ingest/rewards", body)

    assert answer.status_code == 400, answer.content
    assert read_error(answer)["code"] in {"bad_request", "invalid_parameters"}
    assert count_stored() == (0, 0, 0)


def test_a_batch_of_another_organizations_optimization_alone_is_a_403(
    optimization: Optimization,
) -> None:
    stranger = Api(factories.make_api_key(make_organization()))
    unknown = traffic.build_reward("ann", optimization_id=str(uuid4()))

    foreign = stranger.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(optimization, "ann"))
    )
    unknown_id = stranger.post("/ingest/rewards", build_batch(unknown, unknown))

    assert [foreign.status_code, unknown_id.status_code] == [403, 403]
    assert read_error(foreign)["code"] == "forbidden"
    assert count_stored() == (0, 0, 0)


def test_an_event_of_another_organizations_optimization_is_rejected_by_its_index(
    optimization: Optimization, api: Api
) -> None:
    foreign_id = str(make_optimization(make_organization()).pk)

    exposures = api.post(
        "/ingest/exposures",
        build_batch(
            traffic.build_exposure(optimization, "ann"),
            traffic.build_exposure(optimization, "bob", optimization_id=foreign_id),
        ),
    )
    rewards = api.post(
        "/ingest/rewards",
        build_batch(
            traffic.build_reward("ann", optimization_id=str(uuid4())),
            traffic.build_reward("ann"),
        ),
    )

    for answer, index in ((exposures, 1), (rewards, 0)):
        body = read_body(answer)
        assert (answer.status_code, body["accepted"]) == (207, 1)
        (rejected,) = body["rejected"]
        assert (rejected["index"], rejected["code"]) == (index, "forbidden")
        assert rejected["message"].startswith("optimization_id: ")
    assert [row.anonymous_id for row in ManagedExposure.objects.all()] == ["ann"]


def test_a_foreign_event_beside_an_invalid_one_is_a_400_that_names_both(
    optimization: Optimization, api: Api
) -> None:
    foreign = traffic.build_exposure(optimization, "bob", optimization_id=str(uuid4()))

    answer = api.post(
        "/ingest/exposures",
        build_batch(foreign, traffic.build_exposure(optimization, "")),
    )

    assert answer.status_code == 400
    fields = [problem["field"] for problem in read_error(answer)["details"]]
    assert fields == ["events[0].optimization_id", "events[1].anonymous_id"]


def test_levels_of_an_exposure_are_compared_as_text(
    optimization: Optimization, api: Api
) -> None:
    as_text = {"headline": "A", "cta": "true"}

    answer = api.post(
        "/ingest/exposures",
        build_batch(traffic.build_exposure(optimization, "ann", variant=as_text)),
    )

    assert answer.status_code == 200, answer.content
    assert ManagedExposure.objects.get().variant == '{"cta":true,"headline":"A"}'


def test_a_bearer_token_may_not_ingest(optimization: Optimization) -> None:
    admin = factories.make_admin_api(optimization.organization)
    batch = build_batch(traffic.build_exposure(optimization, "ann"))

    answers = [
        admin.post("/ingest/exposures", batch),
        Api().post("/ingest/exposures", batch),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert count_stored() == (0, 0, 0)


def test_an_organization_with_its_own_warehouse_gets_a_409(
    optimization: Optimization, api: Api
) -> None:
    Connection.objects.create(
        organization=optimization.organization, provider=Connection.Provider.POSTGRES
    )

    answer = api.post("/ingest/rewards", build_batch(traffic.build_reward("ann")))

    assert answer.status_code == 409
    assert read_error(answer)["code"] == "conflict"
    assert count_stored() == (0, 0, 0)


def test_a_body_over_five_megabytes_is_a_413(api: Api) -> None:
    answer = api.post("/ingest/rewards", b" " * (5 * 1024 * 1024 + 1))

    assert answer.status_code == 413
    assert count_stored() == (0, 0, 0)


def test_a_compressed_body_over_five_megabytes_is_a_413(api: Api) -> None:
    bomb = gzip.compress(b"{" + b" " * 5 * 1024 * 1024 + b"}")

    answer = api.post("/ingest/rewards", bomb, Content_Encoding="gzip")

    assert len(bomb) < 10_000
    assert answer.status_code == 413


def test_other_methods_are_a_405(api: Api) -> None:
    answer = api.get("/ingest/rewards")

    assert answer.status_code == 405
    assert read_error(answer)["code"] == "method_not_allowed"


def test_an_exposure_after_the_end_is_rejected(
    optimization: Optimization, api: Api
) -> None:
    lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    before = (timezone.now() - timedelta(hours=1)).isoformat()

    answer = api.post(
        "/ingest/exposures",
        build_batch(
            traffic.build_exposure(optimization, "late", timestamp=before),
            traffic.build_exposure(optimization, "after"),
        ),
    )

    assert answer.status_code == 207, answer.content
    (rejected,) = read_body(answer)["rejected"]
    assert (rejected["index"], rejected["code"]) == (1, "invalid_parameters")
    assert rejected["message"].startswith("timestamp: the optimization ended at ")
    assert [row.anonymous_id for row in ManagedExposure.objects.all()] == ["late"]


def test_events_of_a_deleted_optimization_are_rejected_one_by_one(
    optimization: Optimization, api: Api
) -> None:
    api.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(optimization, "first"))
    )
    lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.delete_optimization(
        lifecycle.archive_optimization(optimization, SYSTEM_ACTOR), SYSTEM_ACTOR
    )
    deleted_id = str(optimization.pk)

    rewards = api.post(
        "/ingest/rewards",
        build_batch(
            traffic.build_reward("ann", optimization_id=deleted_id),
            traffic.build_reward("bob"),
        ),
    )
    exposures = api.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(optimization, "cleo"))
    )

    (rejected,) = read_body(rewards)["rejected"]
    assert (rewards.status_code, rejected["index"]) == (207, 0)
    assert rejected["message"].startswith("optimization_id: was deleted")
    assert exposures.status_code == 400
    assert not ManagedExposure.objects.filter(anonymous_id="cleo").exists()


def test_events_of_a_draft_are_rejected(optimization: Optimization, api: Api) -> None:
    draft = make_optimization(optimization.organization, status="draft")

    answer = api.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(draft, "ann"))
    )

    (problem,) = read_error(answer)["details"]
    assert answer.status_code == 400
    assert problem["field"] == "events[0].optimization_id"
    assert count_stored() == (0, 0, 0)
