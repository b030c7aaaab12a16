"""The examples of the OpenAPI document: real requests and answers, by its schemas."""

from typing import Any

import jsonschema_rs
import pytest
from pytest_django import Settings

from levered_site.api import openapi, openapi_examples
from tests.support.api_refusals import tell_refusals
from tests.support.api_story import Story, shorten, tell_story
from tests.support.recorded_examples import compare_examples, find_operation_id

JSON = "application/json"


@pytest.fixture
def story(transactional_db: None, settings: Settings) -> Story:
    """Tell the story."""
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    settings.RATELIMIT_INGEST = settings.RATELIMIT_TRACK = "0"
    settings.TRAIN_WAIT_SECONDS = 0.0
    told = Story(find_operation_id)
    tell_story(told)
    tell_refusals(told)
    return told


def test_the_examples_are_the_present_requests_and_answers(story: Story) -> None:
    ids: dict[str, str] = {}
    examples: dict[str, Any] = shorten(story.examples, ids)
    errors: dict[str, Any] = shorten(story.errors, ids)
    # Where a user falls depends on the ids, which are new each time.
    for decision in examples["ingestDecisions"]["request"]["decisions"]:
        decision["variant_number"] = 1

    compare_examples(openapi_examples.EXAMPLES_FILE, examples)
    compare_examples(openapi_examples.ERRORS_FILE, errors)


def _list_contents() -> list[tuple[str, dict[str, Any]]]:
    """List the JSON of every request and answer, and of shared errors, with a name."""
    document = openapi.build_document()
    described = {
        f"{operation['operationId']} {part}": content
        for path in document["paths"].values()
        for operation in path.values()
        for part, content in {
            "request": operation.get("requestBody", {}),
            **operation["responses"],
        }.items()
    }
    described |= document["components"]["responses"]
    return [
        (name, each["content"][JSON])
        for name, each in described.items()
        if JSON in each.get("content", {})
    ]


def test_every_example_is_valid_by_its_schema() -> None:
    components = openapi.build_document()["components"]
    examples = [each for each in _list_contents() if "example" in each[1]]

    assert len(examples) > 120
    for name, content in examples:
        schema = content["schema"] | {"components": components}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        errors = [str(error) for error in validator.iter_errors(content["example"])]
        assert errors == [], name


def test_every_request_and_answer_has_an_example() -> None:
    lacking = [name for name, content in _list_contents() if "example" not in content]

    assert lacking == []
