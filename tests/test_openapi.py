"""The OpenAPI document, and its copy docs/openapi.yaml, written by `make openapi`."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from drf_spectacular import drainage

from levered_site.api import docs, openapi
from tests.support import factories

SNAPSHOT = Path(__file__).parent.parent / "docs" / "openapi.yaml"


def test_docs_has_the_present_document() -> None:
    assert docs.render_yaml().decode() == SNAPSHOT.read_text(), (
        "The API has changed. If this is intended, run `make openapi` and read the diff."
    )


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


def test_every_operation_has_a_unique_id_and_a_description() -> None:
    operations = [
        operation
        for path in openapi.build_document()["paths"].values()
        for operation in path.values()
    ]

    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(each.get("description") or each.get("summary") for each in operations)


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
