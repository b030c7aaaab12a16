"""The examples of the OpenAPI document: real requests and answers, by its schemas."""

import json
import os
import re
from typing import Any

import jsonschema_rs
import pytest
from pytest_django import Settings

from levered_site.api import openapi, openapi_examples
from tests.support.api_story import Story, shorten, tell_story

JSON = "application/json"
# Their answers need a warehouse of one's own or a trained candidate, are a picture's, or
# repeat those of others.
WITHOUT = {
    *("connectWarehouse success", "promoteCandidate success", "putScreenshot success"),
    *("listAssignmentSources success", "getAssignmentSource success"),
    *("createAssignmentSource success", "updateAssignmentSource success"),
    *("previewAssignmentSource success", "previewUnsavedAssignmentSource success"),
    "getReportData success",
}


def find_operation_id(method: str, path: str) -> str:
    """Return the id of the operation; a path without parameters comes first."""
    matching = [
        (template.count("{"), operations[method.lower()]["operationId"])
        for template, operations in openapi.build_document()["paths"].items()
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        and method.lower() in operations
    ]
    return str(min(matching)[1])


@pytest.fixture
def story(transactional_db: None, settings: Settings) -> Story:
    """Tell the story."""
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    settings.RATELIMIT_INGEST = settings.RATELIMIT_TRACK = "0"
    settings.TRAIN_WAIT_SECONDS = 0.0
    told = Story(find_operation_id)
    tell_story(told)
    return told


def _shorten_examples(story: Story) -> dict[str, Any]:
    ids: dict[str, str] = {}
    examples: dict[str, Any] = shorten(story.examples, ids)
    # Where a user falls depends on the ids, which are new each time.
    for decision in examples["ingestDecisions"]["request"]["decisions"]:
        decision["variant_number"] = 1
    return examples


def test_the_examples_are_the_present_requests_and_answers(story: Story) -> None:
    told = _shorten_examples(story)
    if os.environ.get("WRITE_EXAMPLES"):
        text = json.dumps(told, indent=1, ensure_ascii=False)
        openapi_examples.EXAMPLES_FILE.write_text(text + "\n")

    stored = json.loads(openapi_examples.EXAMPLES_FILE.read_text())

    assert _list_names(told) == _list_names(stored), (
        "The API has changed. If this is intended, run this test with WRITE_EXAMPLES=1, "
        "then `make openapi`, and read the diff."
    )


def _list_names(examples: dict[str, Any]) -> dict[str, Any]:
    """Return each request, the status and the names of the fields of each answer."""
    return {
        operation_id: {**example, "response": sorted(example.get("response", {}))}
        for operation_id, example in examples.items()
    }


def _list_contents() -> list[tuple[str, dict[str, Any]]]:
    """List the JSON of every request and success, with a name."""
    contents = []
    for path in openapi.build_document()["paths"].values():
        for operation in path.values():
            parts = {"request": operation.get("requestBody", {})} | {
                code: response
                for code, response in operation["responses"].items()
                if code[0] == "2"
            }
            contents += [
                (f"{operation['operationId']} {part}", described["content"][JSON])
                for part, described in parts.items()
                if JSON in described.get("content", {})
            ]
    return contents


def test_every_example_is_valid_by_its_schema() -> None:
    components = openapi.build_document()["components"]
    examples = [each for each in _list_contents() if "example" in each[1]]

    assert len(examples) > 80
    for name, content in examples:
        schema = content["schema"] | {"components": components}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        errors = [str(error) for error in validator.iter_errors(content["example"])]
        assert errors == [], name


def test_every_request_and_one_success_have_an_example() -> None:
    lacking: dict[str, list[bool]] = {}
    for name, content in _list_contents():
        operation_id, part = name.split()
        kind = "request" if part == "request" else "success"
        lacking.setdefault(f"{operation_id} {kind}", []).append("example" in content)

    assert {name for name, found in lacking.items() if not any(found)} == WITHOUT
