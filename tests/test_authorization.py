"""Who is let in where: every route of the URLconf with every kind of caller."""

import re
from collections.abc import Iterator
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import ApiKey, AuditEntry, Organization
from metrics.models import AssignmentSource
from models_app.models import TrainingRun
from optimizations.models import Optimization
from optimizations.sharing import links
from tests.support import factories, optimization_factories, routes
from tests.support.authorization_matrix import (
    CALLERS,
    CALLERS_LET_IN,
    INVALID_CALLERS,
    SCOPES,
    is_admin_only,
    list_callers_let_in,
)
from tests.support.routes import Route

pytestmark = pytest.mark.django_db

EVERY = list(routes.list_routes())
MANAGEMENT = [route for route in EVERY if routes.is_management(route)]
INGESTION = [route for route in EVERY if routes.is_ingestion(route)]
ROUTES_WITH_IDS: Final = re.compile(
    r"/(optimizations|models|metrics|api-keys|assignment-sources|training-runs|notes"
    r"|share-links)/{"
)


@pytest.fixture(autouse=True)
def _unlimited(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    settings.RATELIMIT_INGEST = settings.RATELIMIT_TRACK = "0"


def make_callers(organization: Organization) -> dict[str, factories.Api]:
    """Make a client for each kind of caller of an organization."""
    revoked, expired = (
        factories.make_api_key(organization, scopes=("read", "write", "ingest"))
        for _ in range(2)
    )
    now = timezone.now()
    ApiKey.objects.filter(prefix=revoked[:12]).update(revoked_at=now)
    ApiKey.objects.filter(prefix=expired[:12]).update(
        expires_at=now - timedelta(seconds=1)
    )
    return {
        "nobody": factories.Api(),
        "member": factories.make_member_api(organization),
        "admin": factories.make_admin_api(organization),
        "revoked key": factories.Api(revoked),
        "expired key": factories.Api(expired),
        "unknown key": factories.Api("lev_" + "x" * 43),
        **{
            f"key with {scope}": factories.Api(
                factories.make_api_key(organization, scopes=(scope,))
            )
            for scope in SCOPES
        },
    }


def send(api: factories.Api, route: Route, path: str) -> HttpResponse:
    """Send a request with an empty object where the method has a body."""
    body: object = {} if route.method in {"POST", "PATCH", "PUT"} else None
    return api.request(route.method, path, body, base="")


def test_every_operation_is_in_the_matrix() -> None:
    """A new operation fails this test until somebody has written who may use it."""
    assert {route.operation for route in EVERY} == set(CALLERS_LET_IN)


@pytest.mark.parametrize("route", EVERY, ids=str)
def test_a_route_lets_in_exactly_whom_it_should(route: Route) -> None:
    callers = make_callers(factories.make_organization())

    statuses = {
        name: send(api, route, route.build_unknown_path()).status_code
        for name, api in callers.items()
    }

    let_in = {name for name, status in statuses.items() if status not in {401, 403}}
    assert let_in == list_callers_let_in(route), statuses


@pytest.mark.parametrize("route", [*MANAGEMENT, *INGESTION], ids=str)
def test_a_refusal_is_a_401_without_valid_credentials_and_else_a_403(
    route: Route,
) -> None:
    """An endpoint of programs does not know what a person's token is: 401."""
    callers = make_callers(factories.make_organization())
    refused = set(CALLERS) - list_callers_let_in(route)
    invalid = set(INVALID_CALLERS)
    if route in INGESTION:
        invalid |= {"member", "admin"}

    for name in refused:
        answer = send(callers[name], route, route.build_unknown_path())
        error = factories.read_error(answer)
        if name in invalid:
            assert (answer.status_code, error["code"]) == (401, "unauthorized"), name
            assert answer["WWW-Authenticate"].startswith("Bearer")
        else:
            assert (answer.status_code, error["code"]) == (403, "forbidden"), name


def fill_in_ids(route: Route, ids: dict[str, str]) -> str:
    """Return the path of an object that exists."""
    path = re.sub(
        ROUTES_WITH_IDS.pattern + r"\w+}",
        lambda match: f"/{match[1]}/{ids[match[1]]}",
        route.path,
    )
    return re.sub(r"{\w+}", "1", path)


@pytest.fixture
def ids() -> Iterator[dict[str, str]]:
    """Give ids of an organization's objects; they must not change meanwhile."""
    acme = factories.make_organization()
    optimization = optimization_factories.make_optimization(acme)
    factories.make_api_key(acme)
    source = AssignmentSource.objects.create(
        organization=acme, name="exposures", sql="SELECT 1", column_mapping={}
    )
    run = optimization.model.training_runs.create(requested_by="test")
    note = optimization.notes.create(
        date=timezone.now().date(), text="sale", author="test"
    )
    link, _ = links.create_link(optimization, SYSTEM_ACTOR, days=7)
    before = _read_state(acme)
    yield {
        "optimizations": str(optimization.pk),
        "models": str(optimization.model_id),
        "metrics": str(optimization.reward_metric_id),
        "api-keys": str(ApiKey.objects.get(organization=acme).pk),
        "assignment-sources": str(source.pk),
        "training-runs": str(run.pk),
        "notes": str(note.pk),
        "share-links": str(link.pk),
    }
    assert _read_state(acme) == before


def _read_state(organization: Organization) -> list[object]:
    optimization = Optimization.objects.get(organization=organization)
    return [
        AuditEntry.objects.filter(organization=organization).count(),
        optimization.status,
        optimization.updated_at,
        optimization.deleted_at,
        list(optimization.notes.values()),
        list(optimization.share_links.values()),
        list(organization.api_keys.values()),
        list(organization.assignment_sources.values()),
        list(TrainingRun.objects.filter(model__organization=organization).values()),
    ]


@pytest.mark.parametrize(
    "route",
    [route for route in MANAGEMENT if ROUTES_WITH_IDS.search(route.path)],
    ids=str,
)
def test_another_organizations_objects_are_not_found(
    route: Route, ids: dict[str, str]
) -> None:
    """Neither by an admin's token nor by a key with every right of a member."""
    path = fill_in_ids(route, ids)
    other = factories.make_organization()
    key = factories.make_api_key(other, scopes=("read", "write", "serve", "ingest"))

    by_admin = send(factories.make_admin_api(other), route, path)
    by_key = send(factories.Api(key), route, path)

    assert (by_admin.status_code, factories.read_error(by_admin)["code"]) == (
        404,
        "not_found",
    )
    assert by_key.status_code == (403 if is_admin_only(route) else 404)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_organizations_run_is_not_found_under_an_own_model(
    method: str, ids: dict[str, str]
) -> None:
    other = factories.make_organization()
    own = optimization_factories.make_optimization(other)
    path = f"/models/{own.model_id}/training-runs/{ids['training-runs']}"
    body: object = None if method == "GET" else {}

    answer = factories.make_admin_api(other).request(
        method, path if method == "GET" else f"{path}/cancel", body
    )

    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_organizations_note_is_not_found_under_an_own_optimization(
    method: str, ids: dict[str, str]
) -> None:
    other = factories.make_organization()
    own = optimization_factories.make_optimization(other)
    path = f"/optimizations/{own.pk}/notes/{ids['notes']}"
    body: object = {"text": "mine"} if method == "PATCH" else None

    answer = factories.make_admin_api(other).request(method, path, body)

    assert answer.status_code == 404


def test_another_organizations_share_link_is_not_found_under_an_own_optimization(
    ids: dict[str, str],
) -> None:
    other = factories.make_organization()
    own = optimization_factories.make_optimization(other)
    path = f"/optimizations/{own.pk}/share-links/{ids['share-links']}"

    assert factories.make_admin_api(other).delete(path).status_code == 404


def test_decisions_for_another_organizations_optimization_are_refused(
    ids: dict[str, str],
) -> None:
    key = factories.make_api_key(factories.make_organization(), scopes=("serve",))
    decision = {"anonymous_id": "a", "variant_number": 1, "policy_version": 0}

    answer = factories.Api(key).post(
        f"/optimizations/{ids['optimizations']}/decisions", {"decisions": [decision]}
    )

    assert answer.status_code == 404


@pytest.mark.parametrize("scope", ["read", "write", "serve", "ingest"])
def test_a_policy_that_is_not_public_is_not_found_by_others(
    scope: str, ids: dict[str, str]
) -> None:
    other = factories.make_organization()
    path = f"/optimizations/{ids['optimizations']}/policy"
    key = factories.Api(factories.make_api_key(other, scopes=(scope,)))

    callers = [factories.Api(), factories.make_admin_api(other), key]

    assert {caller.get(path).status_code for caller in callers} <= {403, 404}


NEEDED: Final = MappingProxyType({"GET": "read", "POST": "write"})


@pytest.mark.parametrize("method", NEEDED)
def test_a_missing_scope_is_named_with_those_that_the_key_has(method: str) -> None:
    acme = factories.make_organization()
    key = factories.Api(factories.make_api_key(acme, scopes=("ingest", "serve")))

    refused = key.request(
        method, "/warehouse/metrics", {} if method == "POST" else None
    )

    message = factories.read_error(refused)["message"]
    assert f"scope `{NEEDED[method]}`" in message
    assert "`ingest`, `serve`" in message
