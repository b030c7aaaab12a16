"""A page that calls an endpoint for backends reads why it must not, and nothing else."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from optimizations.models import Optimization
from tests.support import factories
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_optimization, make_organization
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db

ORIGIN = "https://shop.example"
REWARDS = {"events": [{"anonymous_id": "ann", "name": "purchase"}]}
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"


@pytest.fixture
def optimization() -> Optimization:
    """A live optimization in an organization of its own."""
    return make_optimization(make_organization())


@pytest.fixture
def key(optimization: Optimization) -> str:
    """A secret key of the organization."""
    return factories.make_api_key(optimization.organization, scopes=["ingest", "serve"])


def _post(path: str, key: str = "", **headers: str) -> HttpResponse:
    sent = {"Origin": ORIGIN, **({"X-API-Key": key} if key else {}), **headers}
    return Api().request("POST", path, REWARDS, sent)


@pytest.mark.parametrize(
    "path", ["/ingest/rewards", "/ingest/exposures", "/optimizations/{pk}/decisions"]
)
@pytest.mark.parametrize("key", ["", "lev_unknown"])
def test_a_page_reads_that_secret_keys_do_not_belong_in_pages(
    optimization: Optimization, path: str, key: str
) -> None:
    full_path = path.format(pk=optimization.pk)
    preflight: Any = Client().options(
        f"/api/v2{full_path}",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-api-key",
        },
    )
    answer = _post(full_path, key)

    assert preflight.status_code == 204
    assert preflight["Access-Control-Allow-Headers"] == "content-type, x-api-key"
    assert answer.status_code == 401
    assert "do not belong in web pages" in read_error(answer)["message"]
    for response in (preflight, answer):
        assert response[ALLOW_ORIGIN] == ORIGIN
        assert not response.has_header(ALLOW_CREDENTIALS)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_with_a_valid_secret_key_is_refused_and_stores_nothing(
    key: str, site: str
) -> None:
    answer = _post("/ingest/rewards", key, **{"Sec-Fetch-Site": site})

    assert answer.status_code == 403
    assert "do not belong in web pages" in read_error(answer)["message"]
    assert answer[ALLOW_ORIGIN] == ORIGIN
    assert not ManagedReward.objects.exists()


def test_what_succeeds_is_unreadable_from_another_origin(key: str) -> None:
    answer = _post("/ingest/rewards", key)

    assert read_body(answer)["accepted"] == 1
    assert not answer.has_header(ALLOW_ORIGIN)
    assert not answer.has_header(ALLOW_CREDENTIALS)


def test_a_configured_origin_is_read_and_answered_as_before(
    key: str, settings: Settings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]

    answer = _post("/ingest/rewards", key, **{"Sec-Fetch-Site": "cross-site"})
    refused = _post("/ingest/rewards")

    assert (answer.status_code, answer[ALLOW_ORIGIN]) == (200, ORIGIN)
    assert (refused.status_code, refused[ALLOW_ORIGIN]) == (401, ORIGIN)
    assert "web pages" not in read_error(refused)["message"]


def test_management_endpoints_stay_unreadable(optimization: Optimization) -> None:
    for path in ("/optimizations", f"/optimizations/{optimization.pk}", "/models"):
        answer = _post(path)

        assert answer.status_code in {401, 405}
        assert not answer.has_header(ALLOW_ORIGIN)
