"""Query parameters: a misspelled one is refused with the name that was meant."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve

from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Decision
from tests.support import optimization_factories, tracking
from tests.support.factories import (
    Api,
    make_admin_api,
    make_api_key,
    make_member_api,
    read_body,
    read_error,
)

ID = str(uuid.UUID(int=1))
DOCUMENT = Path(__file__).parents[3] / "docs/openapi.yaml"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("/optimizations?serach=x", "serach", "did you mean `search`?"),
        ("/optimizations?Status=live", "Status", "did you mean `status`?"),
        ("/warehouse/metrics?limits=5", "limits", "did you mean `limit`?"),
        ("/warehouse/metrics?page=2", "page", "known here: cursor, limit, order_by"),
        (
            "/optimizations/{pk}/results?refesh=true",
            "refesh",
            "did you mean `refresh`?",
        ),
        ("/optimizations/{pk}/progress?sql=true", "sql", "known here: refresh"),
        ("/optimizations/{pk}?expand=all", "expand", "known here: none"),
        ("/warehouse/tables?q=x", "q", "known here: search"),
        ("/me?a=%00", "a", ""),
    ],
)
def test_an_unknown_query_parameter_is_answered_with_the_one_that_was_meant(
    path: str, name: str, message: str
) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)

    response = make_member_api(organization).get(path.format(pk=optimization.pk))

    error = read_error(response)
    assert response.status_code == 400
    if message:
        (problem,) = error["details"]
        assert problem["field"] == name
        assert problem["message"] == f"unknown query parameter; {message}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/optimizations", {}),
        ("POST", "/optimizations/{pk}/stop", {}),
        ("PATCH", "/optimizations/{pk}", {"name": "x"}),
        ("PUT", "/optimizations/{pk}/candidate", {}),
        ("POST", "/warehouse/query", {"sql": "SELECT 1 AS a"}),
        ("POST", "/warehouse/metrics", {}),
        ("POST", "/models/{model}/train", None),
        ("POST", "/optimizations/{pk}/serve", {"anonymous_id": "u1"}),
        ("POST", "/optimizations/best-variant", {"anonymous_id": "u1"}),
        ("POST", "/optimizations/best-variants", {"anonymous_id": "u1"}),
        ("GET", "/optimizations/{pk}/policy", None),
        ("HEAD", "/optimizations/{pk}/policy", None),
    ],
)
def test_every_method_refuses_what_it_does_not_read(
    method: str, path: str, body: object
) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    where = path.format(pk=optimization.pk, model=optimization.model_id)
    alice = make_admin_api(organization)

    response: Any = alice.request(method, f"{where}?dry_run=true&refesh=1", body)

    assert response.status_code == 400
    if method != "HEAD":
        problems = read_error(response)["details"]
        assert [problem["field"] for problem in problems] == ["dry_run", "refesh"]
        assert "unknown query parameter" in problems[0]["message"]
    optimization.refresh_from_db()
    assert optimization.status == "live"
    assert not Decision.objects.exists()


@pytest.mark.parametrize("path", ["/ingest/rewards", "/ingest/exposures"])
def test_ingestion_refuses_what_it_does_not_read(path: str) -> None:
    secret = make_api_key(optimization_factories.make_organization())

    response = Api(secret).post(f"{path}?dry_run=true", {"events": []})

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "dry_run"


@pytest.mark.django_db(transaction=True)
def test_a_pages_beacon_may_carry_parameters_of_its_tag_manager() -> None:
    organization = optimization_factories.make_organization()
    key = tracking.make_publishable_key(organization)
    event = tracking.build_reward()
    body = {"key": key, "anonymous_id": "ann", "events": [event]}

    response: Any = tracking.PAGE.post("/track?gclid=x&utm_source=y", body)

    assert (response.status_code, read_body(response)["accepted"]) == (200, 1)


@pytest.mark.parametrize(
    ("path", "base", "status"),
    [
        ("/docs?utm_source=mail", "/api/v2", 200),
        ("/schema?fromat=yaml", "/api/v2", 400),
        ("/schema?format=yaml", "/api/v2", 200),
        ("/healthz?probe=1", "", 200),
        ("/.well-known/levered-keys.json?v=1", "", 400),
    ],
)
def test_pages_and_probes_may_carry_any_parameter(
    path: str, base: str, status: int
) -> None:
    response: Any = Api().request("GET", path, base=base)

    assert response.status_code == status


def test_another_method_is_a_405_whatever_its_query() -> None:
    organization = optimization_factories.make_organization()

    response = make_member_api(organization).request("PUT", "/optimizations?a=b", {})

    assert response.status_code == 405


def test_each_endpoint_knows_what_its_document_names() -> None:
    document = yaml.safe_load(DOCUMENT.read_text())
    compared = 0
    for path, operations in document["paths"].items():
        view = resolve(re.sub("{[^}]*}", ID, re.sub("{number}", "1", path))).func
        cls: Any = getattr(view, "cls", object)
        if "get" not in operations or not issubclass(cls, OrganizationViewSet):
            continue
        viewset: Any = cls()
        viewset.action = vars(view)["actions"]["get"]
        documented = {
            parameter["name"]
            for parameter in operations["get"].get("parameters", ())
            if parameter["in"] == "query"
        }
        known = set(viewset.list_known_parameters())
        if viewset.action == "lift_history":  # as all that tell of results
            known -= {"refresh"}
        assert known == documented, path
        compared += 1
    assert compared > 20


@pytest.mark.parametrize(
    "path",
    [
        "/optimizations?status=live&search=a&include_archived=true&limit=1",
        "/warehouse/metrics?limit=2&order_by=created_at",
        "/optimizations/{pk}/results?refresh=false&sql=false",
        "/optimizations/{pk}/lift-history?refresh=true",
        "/optimizations/{pk}/outcome-mix?limit=5&refresh=false",
        "/optimizations/{pk}/observations?limit=5&raw=true",
        "/warehouse/tables?search=re",
    ],
)
def test_every_documented_query_parameter_is_known(path: str) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)

    response: Any = make_member_api(organization).get(path.format(pk=optimization.pk))

    assert response.status_code == 200
