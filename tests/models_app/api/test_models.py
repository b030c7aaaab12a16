"""The API of models: list, training, runs, deletion, and access."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from celery.contrib.testing.worker import start_worker
from kombu.exceptions import OperationalError as BrokerError

from levered_site.api import slow_requests
from levered_site.celery import app
from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import runs
from models_app.models import BanditModel, PolicyVersion, TrainingRun
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import factories
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.training_workers import request_run

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def _broker_at(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Celery, which remembers its connections, send tasks to another address."""
    with monkeypatch.context() as celery:
        celery.setenv("CELERY_BROKER_WRITE_URL", address)
        celery.setattr(app, "_pool", None)
        celery.setattr(app.amqp, "_producer_pool", None)
        yield


@pytest.fixture
def _worker() -> Iterator[None]:
    """Run a Celery worker beside the test."""
    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=30):
        yield
    app.control.purge()


def test_a_model_is_listed_and_shown(optimization: Optimization, api: Api) -> None:
    models = read_body(api.get("/models"))
    detail = api.get(f"/models/{optimization.model_id}")

    (row,) = models["models"]
    assert models["next_cursor"] is None
    assert row["id"] == str(optimization.model_id)
    assert (row["model_type"], row["status"]) == ("cmab", "untrained")
    assert row["training_data_config"]["design_factors"][0]["name"] == "headline"
    assert read_body(detail) | {"meta": None} == row | {"meta": None}
    repeated = api.get(f"/models/{optimization.model_id}", If_None_Match=detail["ETag"])
    assert repeated.status_code == 304


def test_another_organizations_model_is_a_404(optimization: Optimization) -> None:
    run = runs.request_training(optimization.model, requested_by="test")
    stranger = factories.make_admin_api(make_organization())
    path = f"/models/{optimization.model_id}"

    responses = [
        stranger.get(path),
        stranger.delete(path),
        stranger.get(f"{path}/state"),
        stranger.get(f"{path}/policy"),
        stranger.post(f"{path}/train"),
        stranger.get(f"{path}/training-runs"),
        stranger.get(f"{path}/training-runs/{run.pk}"),
        stranger.post(f"{path}/training-runs/{run.pk}/cancel"),
        stranger.get(f"/models/{uuid4()}"),
        stranger.get("/models/no-uuid"),
    ]

    assert {response.status_code for response in responses} == {404}
    assert read_body(stranger.get("/models"))["models"] == []
    run.refresh_from_db()
    assert run.status == TrainingRun.Status.QUEUED
    assert TrainingRun.objects.count() == 1


@pytest.mark.usefixtures("_worker")
def test_a_training_that_ends_in_time_is_a_200(
    optimization: Optimization, api: Api
) -> None:
    response = api.post(
        f"/models/{optimization.model_id}/train", {"bias": {"cta": 0.5}}
    )

    assert response.status_code == 200, response.content
    body = read_body(response)
    assert (body["status"], body["policy_version"]) == ("trained", 1)
    expected = body["in_sample_metrics"]["expected_reward"]
    assert expected["ci_lower"] < expected["mean"] < expected["ci_upper"]
    assert 0.1 < body["in_sample_metrics"]["historic_reward"] < 0.35
    path = f"/models/{optimization.model_id}/training-runs/{body['training_run_id']}"
    run = read_body(api.get(path))
    assert (run["status"], run["progress"], run["error"]) == ("succeeded", 1.0, None)
    assert (run["rows_read"], run["bias"]) == (400, {"cta": 0.5})


def test_a_request_not_to_wait_is_a_202_with_a_location(
    optimization: Optimization, api: Api
) -> None:
    train = f"/models/{optimization.model_id}/train"

    first = api.post(train, Prefer="respond-async")
    second = api.post(train, Prefer="respond-async")

    assert [first.status_code, second.status_code] == [202, 202]
    assert read_body(first)["training_run_id"] == read_body(second)["training_run_id"]
    assert first["Location"].startswith("/api/v2/models/")
    run = api.get(first["Location"].removeprefix("/api/v2"))
    assert read_body(run)["status"] == "queued"
    body = read_body(api.get(f"/models/{optimization.model_id}/training-runs"))
    assert len(body["training_runs"]) == 1


def test_a_run_that_takes_longer_than_the_request_may_wait_is_a_202(
    optimization: Optimization, api: Api, settings: Any
) -> None:
    settings.TRAIN_WAIT_SECONDS = 0.3

    response = api.post(f"/models/{optimization.model_id}/train")

    assert response.status_code == 202
    assert read_body(response)["status"] == "training"
    model = read_body(api.get(f"/models/{optimization.model_id}"))
    assert model["status"] == "training"


def test_a_run_stays_queued_while_the_broker_is_down(
    optimization: Optimization, api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRAIN_WAIT_SECONDS = 0.1

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise BrokerError("connection refused")

    with monkeypatch.context() as celery:  # Celery is not our code
        celery.setattr(app, "send_task", refuse)
        response = api.post(f"/models/{optimization.model_id}/train")
    run = TrainingRun.objects.get()

    assert response.status_code == 202
    assert (run.status, run.sent_at, run.sends) == ("queued", None, 0)
    assert runs.reap_lost_runs() == 1
    run.refresh_from_db()
    assert run.sends == 1


@contextmanager
def _silent_address() -> Iterator[str]:
    """Give an address whose connections are taken and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/1"


@contextmanager
def _closed_address() -> Iterator[str]:
    """Give an address that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"redis://127.0.0.1:{port}/1"


@pytest.mark.parametrize("broker", [_silent_address, _closed_address])
def test_nobody_waits_for_a_training_that_the_broker_cannot_take(
    optimization: Optimization,
    api: Api,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    broker: Callable[[], AbstractContextManager[str]],
) -> None:
    with broker() as address, _broker_at(address, monkeypatch):
        started_at = time.monotonic()
        response = api.post(f"/models/{optimization.model_id}/train")
        seconds = time.monotonic() - started_at

    run = TrainingRun.objects.get()
    assert response.status_code == 202
    assert (run.status, run.sent_at) == ("queued", None)
    assert seconds < settings.TRAIN_WAIT_SECONDS / 2


def test_a_run_that_waits_for_a_slot_is_not_held_up(optimization: Optimization) -> None:
    other = make_optimization(optimization.organization)

    first, second = (request_run(each) for each in (other, optimization))
    second.refresh_from_db()
    first.refresh_from_db()

    assert second.sent_at is None
    assert not runs.is_held_up(first)
    assert not runs.is_held_up(second)
    TrainingRun.objects.filter(pk=first.pk).update(status="failed")
    assert runs.is_held_up(second)


def test_no_request_waits_when_all_waiting_threads_are_reserved(
    optimization: Optimization, api: Api
) -> None:
    results = f"/optimizations/{optimization.pk}/results?refresh=true"
    with ExitStack() as reserved:
        while reserved.enter_context(slow_requests.try_reserve_thread()):
            pass

        trained = api.post(f"/models/{optimization.model_id}/train")
        refreshed = api.get(results)

    assert (trained.status_code, refreshed.status_code) == (202, 503)
    assert refreshed["Retry-After"] == "5"
    assert api.get(results).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"bias": {"price": 0.1}}, "bias.price"),
        ({"bias": {"cta": "much"}}, "bias.cta"),
        ({"bias": {"cta": -2}}, "bias.cta"),
        ({"bias": 3}, "bias"),
        ({"speed": 3}, "speed"),
    ],
)
def test_a_bad_training_request_is_a_400_that_names_the_field(
    optimization: Optimization, api: Api, body: dict[str, Any], field: str
) -> None:
    response = api.post(f"/models/{optimization.model_id}/train", body)

    assert response.status_code == 400, response.content
    assert [detail["field"] for detail in read_error(response)["details"]] == [field]
    assert not TrainingRun.objects.exists()


def test_a_queued_run_is_cancelled_over_http(
    optimization: Optimization, api: Api
) -> None:
    run = runs.request_training(optimization.model, requested_by="test")
    path = f"/models/{optimization.model_id}/training-runs/{run.pk}/cancel"

    first, second = api.post(path), api.post(path)

    assert first.status_code == 200
    assert read_body(first)["status"] == "cancelled"
    assert second.status_code == 409


def test_a_model_in_use_is_not_deleted(optimization: Optimization) -> None:
    admin = factories.make_admin_api(optimization.organization)
    path = f"/models/{optimization.model_id}"

    refused = admin.delete(path)
    by_member = factories.make_member_api(optimization.organization).delete(path)
    lifecycle.archive_optimization(optimization, SYSTEM_ACTOR)
    deleted = admin.delete(path)

    assert (refused.status_code, by_member.status_code) == (409, 403)
    assert deleted.status_code == 204
    assert admin.get(path).status_code == 404
    model = BanditModel.objects.get()
    assert model.deleted_at is not None
    assert PolicyVersion.objects.count() == 1


def test_models_need_a_token_or_a_key_that_reads(optimization: Optimization) -> None:
    organization = optimization.organization
    anonymous = Api()
    ingesting = Api(factories.make_api_key(organization))
    reading = Api(factories.make_api_key(organization, scopes=["read"]))

    responses = [api.get("/models") for api in (anonymous, ingesting, reading)]

    assert [response.status_code for response in responses] == [401, 403, 200]
