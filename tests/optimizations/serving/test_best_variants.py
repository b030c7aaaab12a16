"""POST /best-variants: several decisions for one user."""

from typing import Any

import jsonschema_rs
import pytest
from django.db import connection

from levered_site.api import openapi
from levered_site.database import fetch_row
from optimizations.models import Decision
from tests.support import optimization_factories
from tests.support.factories import Api, read_body, read_error
from tests.support.serve_requests import serve_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_several_decisions_come_in_one_answer_and_one_commit() -> None:
    organization = optimization_factories.make_organization()
    live = [optimization_factories.make_optimization(organization) for _ in range(3)]
    draft = optimization_factories.make_optimization(organization, status="draft")
    ids = [str(each.pk) for each in (live[0], draft, *live[1:])]
    path, body = "/optimizations/best-variants", {"anonymous_id": "u1"}
    sent = [ids[0].upper(), *ids[1:], "undefined"]

    response = Api().post(path, body | {"optimization_ids": sent})
    decisions = read_body(response)["decisions"]

    assert [decision["optimization_id"] for decision in decisions[:4]] == ids
    assert decisions[1]["error"]["code"] == "conflict"
    assert decisions[4]["optimization_id"] == "undefined"
    assert decisions[4]["error"]["code"] == "not_found"
    assert {decision.get("sticky") for decision in decisions} == {False, None}
    assert Decision.objects.count() == 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) AS commits FROM decisions")
        assert fetch_row(cursor).commits == 1
    alone = read_body(serve_user(live[2], "u1"))
    assert alone["variant_number"] == decisions[3]["variant_number"]


def test_the_document_has_conflicts_of_single_decisions_only() -> None:
    paths = openapi.build_document()["paths"]
    single, batch = (
        paths[f"/api/v2/optimizations/{name}"]["post"]["responses"]
        for name in ("best-variant", "best-variants")
    )

    assert set(single) - set(batch) == {"409"}


@pytest.mark.parametrize("sent", ["undefined", "g3e70682-c209-1cac-a29f-6fbed82c07cd"])
def test_an_answer_about_what_is_no_id_is_as_the_document_says(sent: str) -> None:
    components = openapi.build_document()["components"]
    schema = {"$ref": "#/components/schemas/DecisionList", "components": components}
    body = {"anonymous_id": "u1", "optimization_ids": [sent]}

    answer = read_body(Api().post("/optimizations/best-variants", body))

    assert answer["decisions"][0]["error"]["code"] == "not_found"
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(answer)


@pytest.mark.parametrize(
    ("ids", "field"),
    [
        (None, "optimization_ids"),
        ([], "optimization_ids"),
        (["3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"] * 2, "optimization_ids[1]"),
        ([None], "optimization_ids[0]"),
        ([f"3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b{n}" for n in range(10, 31)], None),
    ],
)
def test_a_bad_list_of_optimizations_is_refused(ids: Any, field: str | None) -> None:
    body = {"anonymous_id": "u1", "optimization_ids": ids}

    response = Api().post("/optimizations/best-variants", body)

    assert response.status_code == 400
    details = read_error(response)["details"]
    assert details[0]["field"] == (field or "optimization_ids")
