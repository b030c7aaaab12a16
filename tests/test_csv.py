"""Every list and every reading with rows can be taken away as CSV, as its JSON has it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.urls import resolve
from pytest_django import Settings

from levered_site.api.base_view import BaseAPIView
from levered_site.api.csv_sections import CsvSection
from levered_site.api.openapi_operations import name_operation
from tests.support import factories, routes
from tests.support.api_story import Story, tell_story
from tests.support.csv_answers import assert_same_rows, list_rows, read_csv
from tests.support.factories import Api
from tests.support.recorded_examples import find_operation_id
from tests.support.routes import Route

CSV = {"Accept": "text/csv"}
# Reads without rows: one resource, and what is no JSON of ours.
WITHOUT_ROWS = {
    *("GET /api/v2/me", "GET /api/v2/optimizations/{}", "GET /api/v2/models/{}"),
    *("GET /api/v2/models/{}/training-runs/{}", "GET /api/v2/api-keys/{}"),
    *("GET /api/v2/warehouse/metrics/{}", "GET /api/v2/warehouse/connections"),
    *(
        "GET /api/v2/warehouse/assignment-sources/{}",
        "GET /api/v2/optimizations/{}/notes/{}",
    ),
    "GET /api/v2/optimizations/{}/variants/by-number/{}/screenshot",
    # Signed bytes, the same for everybody.
    "GET /api/v2/optimizations/{}/policy",
    *("GET /api/v2/docs", "GET /api/v2/docs/start.js", "GET /api/v2/schema"),
    *("GET /healthz", "GET /readyz", "POST /api/v2/warehouse/connections/test"),
}
# Sources need a warehouse of one's own: tests/warehouse/test_connected_csv.py.
CONNECTED = {
    "GET /api/v2/warehouse/assignment-sources",
    "POST /api/v2/warehouse/assignment-sources/preview",
    "POST /api/v2/warehouse/assignment-sources/{}/preview",
}
EVERY = list(routes.list_routes())


def list_sections(view: Any, method: str) -> Sequence[CsvSection]:
    """Return what the view of a route offers as CSV."""
    view_class = getattr(view, "cls", None)
    if view_class is None or not issubclass(view_class, BaseAPIView):
        return ()
    instance = view_class(**getattr(view, "initkwargs", {}))
    instance.swagger_fake_view = True
    instance.action = getattr(view, "actions", {}).get(method.lower())
    return list(instance.list_csv_sections())


def is_read(route: Route) -> bool:
    """Return whether a request of the route changes nothing."""
    view_class = getattr(route.view, "cls", None)
    action = getattr(route.view, "actions", {}).get(route.method.lower())
    read_only = getattr(view_class, "read_only_actions", ())
    return route.method == "GET" or action in read_only


OFFERING = [route for route in EVERY if list_sections(route.view, route.method)]


def test_every_read_offers_csv_or_is_known_to_have_no_rows() -> None:
    """A new read fails this test until its view says which rows it has."""
    reads = {route.operation for route in EVERY if is_read(route)}
    offering = {route.operation for route in OFFERING}

    assert reads - offering == WITHOUT_ROWS
    assert offering <= reads


@pytest.mark.django_db
@pytest.mark.parametrize("route", OFFERING, ids=str)
def test_csv_is_for_those_whom_json_is_for(route: Route, settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "0"
    organization = factories.make_organization()
    callers = {
        "nobody": Api(),
        "unknown key": Api("lev_" + "x" * 43),
        "member": factories.make_member_api(organization),
        "admin": factories.make_admin_api(organization),
        **{
            scope: Api(factories.make_api_key(organization, scopes=(scope,)))
            for scope in ("ingest", "serve", "read", "write", "track")
        },
    }
    body: object = {} if route.method == "POST" else None

    for name, api in callers.items():
        as_json, as_csv = (
            api.request(route.method, route.build_unknown_path(), body, headers, "")
            for headers in ({}, CSV)
        )
        assert as_csv.status_code == as_json.status_code, name
        if as_csv.status_code >= 400:
            error = factories.read_error(as_csv)
            assert error["message"] == factories.read_error(as_json)["message"]


@dataclass(slots=True)
class CsvStory(Story):
    """A story that takes every answer away as CSV, too."""

    taken: set[str] = field(default_factory=set)
    headers: dict[str, list[str]] = field(default_factory=dict)

    def call(
        self, api: Api, method: str, path: str, body: Any = None, base: str = "/api/v2"
    ) -> Any:
        """Send a request, and again for each section of its answer."""
        # Slots make a new class, which super() without arguments does not know.
        answer = Story.call(self, api, method, path, body, base)
        for section in list_sections(resolve(f"{base}{path}").func, method):
            query = (
                f"?section={section.name}"
                if self._has_several(base, path, method)
                else ""
            )
            response = api.request(method, f"{path}{query}", body, CSV, base)
            header = assert_same_rows(response, list_rows(section, answer))
            operation = find_operation_id(method, f"{base}{path}")
            self.taken.add(operation)
            known = self.headers.setdefault(f"{operation} {section.name}", header)
            assert header == known
            _assert_marked(response, answer, section)
        return answer

    @staticmethod
    def _has_several(base: str, path: str, method: str) -> bool:
        return len(list_sections(resolve(f"{base}{path}").func, method)) > 1


def _assert_marked(response: Any, answer: dict[str, Any], section: CsvSection) -> None:
    """Assert that the health of an answer is in its headers and in every row."""
    health = answer.get("health")
    if health is None:
        return
    assert response["X-Health"].split(";")[0] == health["status"]
    _, rows = read_csv(response)
    codes = [reason["code"] for reason in health["reasons"]]
    for row in rows:
        assert row["reading.health"] == health["status"], section.name
        assert row["reading.health_reasons"] == ";".join(codes)


def test_every_answer_has_the_rows_of_its_json(
    transactional_db: None, settings: Settings
) -> None:
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    settings.RATELIMIT_INGEST = settings.RATELIMIT_TRACK = "0"
    settings.TRAIN_WAIT_SECONDS = 0.0
    story = CsvStory(find_operation_id)

    tell_story(story)

    offering = {route.operation for route in OFFERING} - CONNECTED
    assert story.taken == {
        name_operation(*each.split())["operationId"] for each in offering
    }
