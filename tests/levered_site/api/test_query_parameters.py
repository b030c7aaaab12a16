"""Query parameters: a misspelled one is refused with the name that was meant."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve

from levered_site.organizations.viewsets import OrganizationViewSet
from tests.support import optimization_factories
from tests.support.factories import make_member_api, read_error

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
        known = set(viewset.list_query_parameters())
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
