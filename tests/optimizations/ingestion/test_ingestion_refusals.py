"""What ingestion refuses, whole or in part, and that nothing of it is kept."""

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


def test_bad_events_are_named_and_the_good_ones_kept(
    optimization: Optimization, api: Api
) -> None:
    bad: list[Any] = [
        "text",
        traffic.build_exposure(optimization, ""),
        traffic.build_exposure(optimization, "nul\0"),
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
        build_batch(*bad, traffic.build_exposure(optimization, "good")),
    )

    assert answer.status_code == 207, answer.content
    rejected = read_body(answer)["rejected"]
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
    answer = api.post(
        "/ingest/rewards", build_batch(traffic.build_reward("ann", **fields))
    )

    assert answer.status_code == 400, answer.content
    (detail,) = read_error(answer)["details"]
    assert detail["field"] == f"events[0].{next(iter(fields))}"
    assert count_stored() == (0, 0, 0)


def test_an_event_that_is_no_object_is_named_by_its_place(
    optimization: Optimization, api: Api
) -> None:
    answer = api.post("/ingest/rewards", build_batch("x"))

    assert answer.status_code == 400, answer.content
    assert [each["field"] for each in read_error(answer)["details"]] == ["events[0]"]
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
def test_rubbish_is_a_400_and_nothing_is_kept(api: Api, body: bytes) -> None:
    answer = api.post("/ingest/rewards", body)

    assert answer.status_code == 400, answer.content
    assert read_error(answer)["code"] in {"bad_request", "invalid_parameters"}
    assert count_stored() == (0, 0, 0)


def test_another_organizations_optimization_refuses_the_whole_batch(
    optimization: Optimization,
) -> None:
    stranger = Api(factories.make_api_key(make_organization()))
    unknown = traffic.build_reward("ann", optimization_id=str(uuid4()))

    foreign = stranger.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(optimization, "ann"))
    )
    nobodys = stranger.post(
        "/ingest/rewards", build_batch(unknown, traffic.build_reward("bob"))
    )

    assert [foreign.status_code, nobodys.status_code] == [403, 403]
    assert read_error(foreign)["code"] == "forbidden"
    assert count_stored() == (0, 0, 0)


def test_a_bearer_token_does_not_open_ingestion(optimization: Optimization) -> None:
    admin = factories.make_admin_api(optimization.organization)
    batch = build_batch(traffic.build_exposure(optimization, "ann"))

    answers = [
        admin.post("/ingest/exposures", batch),
        Api().post("/ingest/exposures", batch),
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert count_stored() == (0, 0, 0)


def test_an_organization_with_its_own_warehouse_is_told_so(
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


def test_other_methods_are_a_405(api: Api) -> None:
    answer = api.get("/ingest/rewards")

    assert answer.status_code == 405
    assert read_error(answer)["code"] == "method_not_allowed"


def test_who_is_touched_after_the_end_is_not_counted(
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


def test_what_was_deleted_is_refused_by_the_event(
    optimization: Optimization, api: Api
) -> None:
    api.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(optimization, "first"))
    )
    lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.delete_optimization(
        lifecycle.archive_optimization(optimization, SYSTEM_ACTOR), SYSTEM_ACTOR
    )
    theirs = str(optimization.pk)

    rewards = api.post(
        "/ingest/rewards",
        build_batch(
            traffic.build_reward("ann", optimization_id=theirs),
            traffic.build_reward("bob"),
        ),
    )
    touched = api.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(optimization, "cleo"))
    )

    (rejected,) = read_body(rewards)["rejected"]
    assert (rewards.status_code, rejected["index"]) == (207, 0)
    assert rejected["message"].startswith("optimization_id: was deleted")
    assert touched.status_code == 400
    assert not ManagedExposure.objects.filter(anonymous_id="cleo").exists()


def test_nothing_is_recorded_of_a_draft(optimization: Optimization, api: Api) -> None:
    draft = make_optimization(optimization.organization, status="draft")

    answer = api.post(
        "/ingest/exposures", build_batch(traffic.build_exposure(draft, "ann"))
    )

    (problem,) = read_error(answer)["details"]
    assert answer.status_code == 400
    assert problem["field"] == "events[0].optimization_id"
    assert count_stored() == (0, 0, 0)
