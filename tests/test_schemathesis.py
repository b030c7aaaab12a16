"""Requests generated from the OpenAPI document: no 500, only declared responses.

Half of the requests are valid by the document, half invalid on purpose. Most paths hold
ids that exist, so that bodies are validated and not only ids.
"""

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import orjson
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings as hypothesis_settings
from pytest_django import Settings
from schemathesis.specs.openapi import checks

from levered_site.api import openapi
from levered_site.organizations.models import Organization
from tests.support import factories, tracking
from tests.support.optimization_factories import make_optimization

# Requests by operation. Schemathesis draws one seed per run, so that `make explore` makes
# more of them instead of more rounds, and `make schemathesis` many more.
IS_EXPLORING = hypothesis_settings.get_current_profile_name() == "explore"
EXAMPLES = int(os.environ.get("EXAMPLES", "60" if IS_EXPLORING else "6"))
# These endpoints commit on their own connection, outside the transaction of a test.
COMMITTING = r"/serve$|/best-variant$|/ingest/|/track$"
DECLARED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]

Case: TypeAlias = schemathesis.Case[Any]

SCHEMA = orjson.loads(orjson.dumps(openapi.build_document(), default=str))
document = schemathesis.openapi.from_dict(SCHEMA)
document.app = get_wsgi_application()
bounded = hypothesis_settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


_numbers = itertools.count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each operation's test an id of its own, which pytest makes from parameters."""
    metafunc.parametrize("number", [next(_numbers)])


@pytest.fixture(autouse=True)
def number() -> None:
    """Take the number."""


@dataclass(frozen=True, slots=True)
class World:
    """Credentials and ids for the generated requests."""

    token: str
    key: str
    publishable_key: str
    ids: dict[str, list[str]]


@pytest.fixture
def world(db: None, settings: Settings) -> World:
    """Create an organization with a live optimization and a draft."""
    return _make_world(settings)


@pytest.fixture
def committed_world(transactional_db: None, settings: Settings) -> World:
    """Create the same, committed, so that every connection sees it."""
    return _make_world(settings)


def _make_world(settings: Settings) -> World:
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    settings.RATELIMIT_INGEST = settings.RATELIMIT_TRACK = "0"
    settings.TRAIN_WAIT_SECONDS = 0.0
    acme = factories.make_organization()
    live = make_optimization(acme)
    draft = make_optimization(acme, status="draft")
    note = live.notes.create(date=date(2026, 3, 28), text="A sale.", author="test")
    return World(
        token=factories.admin_token(acme),
        key=factories.make_api_key(acme),
        publishable_key=tracking.make_publishable_key(acme),
        ids={
            "optimizations": [str(live.pk), str(draft.pk)],
            "models": [str(live.model_id), str(draft.model_id)],
            "metrics": [str(live.reward_metric_id)],
            "notes": [str(note.pk)],
        },
    )


def _insert_ids(case: Case, world: World) -> None:
    """Put ids that exist into three of four paths."""
    for kind, ids in world.ids.items():
        for name in ("id", "model_id", "optimization_id"):
            if f"/{kind}/{{{name}}}" in case.path and random.random() < 0.75:  # noqa: S311 - a choice of tests
                case.path_parameters[name] = random.choice(ids)  # noqa: S311 - traffic
    if "{number}" in case.path:
        case.path_parameters["number"] = random.choice([1, 2, 4, 99])  # noqa: S311 - traffic


def _choose_credentials(case: Case, world: World) -> str:
    if case.path.endswith("/track"):
        return world.publishable_key
    return world.key if "/ingest/" in case.path else world.token


def _check_response(case: Case, world: World) -> None:
    _insert_ids(case, world)
    response = case.call(
        headers={
            "Authorization": f"Bearer {_choose_credentials(case, world)}",
            "Accept-Encoding": "identity",  # Schemathesis does not decompress here
        }
    )

    status = response.status_code
    assert status < 500 or status == 503, response.text
    if status >= 400:
        body = orjson.loads(response.content)
        assert set(body) == {"error", "meta"}, body
        assert [body["meta"]["request_id"]] == response.headers["x-request-id"]
    case.validate_response(response, checks=DECLARED)
    _check_headers(case, response)


def _check_headers(case: Case, response: schemathesis.Response) -> None:
    """Compare the headers of a success with the document's."""
    status = str(response.status_code)
    if not status.startswith("2"):
        return
    operation = SCHEMA["paths"][case.path][case.method.lower()]
    declared = {name.lower() for name in operation["responses"][status]["headers"]}
    assert {*response.headers} & {"etag", "location"} == declared & {"etag", "location"}
    assert "x-request-id" in declared


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    state = random.getstate()
    random.seed(None if IS_EXPLORING else 7)
    yield
    random.setstate(state)


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Keep the test's connection: the WSGI application would close it per request."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@document.exclude(path_regex=COMMITTING).parametrize()
@bounded
def test_management_responses_are_as_declared(case: Case, world: World) -> None:
    _check_response(case, world)

    assert Organization.objects.count() == 1


@document.include(path_regex=COMMITTING).parametrize()
@bounded
def test_serve_ingest_and_track_responses_are_as_declared(
    case: Case, committed_world: World
) -> None:
    _check_response(case, committed_world)
