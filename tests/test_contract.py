"""The API conventions, checked for every route."""

import re

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from levered_site.api import body_limits, openapi
from tests.support import authorization_matrix, factories, routes
from tests.support.routes import Route

pytestmark = pytest.mark.django_db

EVERY = list(routes.list_routes())
MANAGEMENT = [route for route in EVERY if routes.is_management(route)]
INGESTION = [route for route in EVERY if routes.is_ingestion(route)]
PUBLIC = [route for route in EVERY if route not in MANAGEMENT + INGESTION]
# Erasing an unknown user succeeds, so this route has no 404.
ERASURE = "/api/v2/warehouse/users/{anonymous_id}"
SCOPED = [route for route in MANAGEMENT if "{" in route.path and route.path != ERASURE]
WRITING = [route for route in EVERY if route.method in {"POST", "PATCH", "PUT"}]
ADMIN_ONLY = [
    route for route in MANAGEMENT if authorization_matrix.is_admin_only(route)
]


@pytest.fixture(autouse=True)
def _unlimited(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    settings.RATELIMIT_INGEST = settings.RATELIMIT_TRACK = "0"


def _send(api: factories.Api, route: Route, body: object = None) -> HttpResponse:
    if body is None and route.method in {"POST", "PATCH", "PUT"}:
        body = {}
    return api.request(route.method, route.build_unknown_path(), body, base="")


def _read_code(answer: HttpResponse) -> str:
    code: str = factories.read_error(answer)["code"]
    return code


def test_routes_of_every_kind_are_listed() -> None:
    assert {route.path for route in INGESTION} == {
        "/api/v2/ingest/exposures",
        "/api/v2/ingest/rewards",
        "/api/v2/optimizations/{pk}/decisions",
    }
    assert {route.path for route in PUBLIC} == {
        "/api/v2/docs",
        "/api/v2/docs/start.js",
        "/api/v2/optimizations/best-variant",
        "/api/v2/optimizations/best-variants",
        "/api/v2/optimizations/{pk}/policy",
        "/api/v2/optimizations/{pk}/serve",
        "/api/v2/schema",
        "/api/v2/track",
        "/healthz",
        "/readyz",
    }
    assert len(MANAGEMENT) > 25


@pytest.mark.parametrize("route", MANAGEMENT, ids=str)
def test_management_needs_credentials(route: Route) -> None:
    answer = _send(factories.Api(), route)

    assert (answer.status_code, _read_code(answer)) == (401, "unauthorized")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", INGESTION, ids=str)
def test_ingestion_needs_an_api_key_and_accepts_no_token(route: Route) -> None:
    alice = factories.make_admin_api(factories.make_organization())

    answers = [_send(api, route) for api in (factories.Api(), alice)]

    for answer in answers:
        assert (answer.status_code, _read_code(answer)) == (401, "unauthorized")
        assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", SCOPED, ids=str)
def test_an_unknown_resource_is_not_found(route: Route) -> None:
    answer = _send(factories.make_admin_api(factories.make_organization()), route)

    # Conditions of the whole organization come first, such as no connected warehouse.
    assert _read_code(answer) in {"not_found", "unavailable"}
    assert answer.status_code in {404, 503}


@pytest.mark.parametrize("route", EVERY, ids=str)
def test_every_response_has_a_request_id(route: Route) -> None:
    answer = _send(factories.make_admin_api(factories.make_organization()), route)

    assert re.fullmatch("req_[0-9a-f]{32}", answer["X-Request-Id"])
    assert answer.status_code < 500 or answer.status_code == 503
    if answer.status_code >= 400:
        factories.read_error(answer)


@pytest.mark.parametrize(
    "route", [route for route in EVERY if route.method == "GET"], ids=str
)
def test_a_response_has_its_fields_beside_meta(route: Route) -> None:
    acme = factories.make_organization()

    answer = _send(factories.make_admin_api(acme), route)

    if answer.status_code != 200 or answer["Content-Type"] != "application/json":
        return
    body = factories.read_body(answer)
    if "openapi" in body:
        return
    assert list(body)[-1] == "meta"
    assert "data" not in body
    assert body["meta"]["request_id"] == answer["X-Request-Id"]
    if route in MANAGEMENT:
        assert body["meta"]["organization_id"] == acme.pk


@pytest.mark.parametrize("path", sorted({route.path for route in EVERY}))
def test_an_unknown_method_is_not_allowed(path: str) -> None:
    alice = factories.make_admin_api(factories.make_organization())

    answers = [_send(alice, Route(path, method, None)) for method in ("TRACE", "FOO")]

    for answer in answers:
        if path in {
            route.path for route in INGESTION
        }:  # a token is rejected here for any method
            assert answer.status_code == 401
        else:
            assert (answer.status_code, _read_code(answer)) == (
                405,
                "method_not_allowed",
            )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v2",
        "/api/v2/",
        "/api/v2/nothing",
        "/api/v1/me",
        "/api/v2/me/",
    ],
)
def test_an_unknown_path_is_not_found(path: str) -> None:
    answer = factories.Api().request("GET", path, base="")

    assert (answer.status_code, _read_code(answer)) == (404, "not_found")


def _make_api_for(route: Route) -> factories.Api:
    acme = factories.make_organization()
    if routes.is_ingestion(route):
        scopes = ("ingest", "serve")
        return factories.Api(factories.make_api_key(acme, scopes=scopes))
    return factories.make_admin_api(acme)


BROKEN = (b"{", b"[]", b"\xff", b'"x"', b"[" * 9000, b'{"a": "\\ud800"}')


@pytest.mark.parametrize(
    "route", [route for route in WRITING if route.method != "PUT"], ids=str
)
def test_a_broken_body_is_a_bad_request(route: Route) -> None:
    api = _make_api_for(route)

    answers = [_send(api, route, raw) for raw in BROKEN]

    # A missing resource answers 404 before its body is read; some routes read no body.
    for answer in answers:
        assert answer.status_code in {400, 404, 503} or not _takes_body(route)
        if answer.status_code == 400:
            assert _read_code(answer) == "bad_request"


def _takes_body(route: Route) -> bool:
    return "requestBody" in _list_operations()[route.template, route.method]


@pytest.mark.parametrize("route", WRITING, ids=str)
def test_a_huge_body_is_too_large(route: Route) -> None:
    limit = body_limits.get_body_limit(route.view, route.method)

    answer = _send(_make_api_for(route), route, b" " * (limit + 1))

    assert (answer.status_code, _read_code(answer)) == (413, "payload_too_large")


def _list_operations() -> dict[tuple[str, str], dict[str, object]]:
    return {
        (re.sub(r"{\w+}", "{}", path), method.upper()): operation
        for path, operations in openapi.build_document()["paths"].items()
        for method, operation in operations.items()
        if method in openapi.HTTP_METHODS
    }


def test_the_document_lists_every_route_and_no_other() -> None:
    documented = set(_list_operations())

    existing = {
        (route.template, route.method)
        for route in EVERY
        if not route.path.startswith(("/api/v2/docs", "/api/v2/schema"))
    }
    assert documented == existing


KEY_SCHEMES: list[dict[str, list[str]]] = [{"api_key": []}, {"api_key_bearer": []}]


def test_the_document_names_the_credentials() -> None:
    operations = _list_operations()
    for route in MANAGEMENT:
        schemes = [] if route in ADMIN_ONLY else KEY_SCHEMES
        security = operations[route.template, route.method]["security"]
        assert security == [{"bearer": []}, *schemes], route
    for route in INGESTION:
        assert operations[route.template, route.method]["security"] == KEY_SCHEMES
