"""Examples of the OpenAPI document: what a customer sent, and the real answers.

Tests write them from stories and compare them with the present answers:
`tests/test_openapi_examples.py`, and `tests/warehouse/test_connected_loop.py` those that
need a warehouse of one's own.
"""

import functools
import json
from pathlib import Path
from typing import Any

EXAMPLES_FILE = Path(__file__).with_name("openapi_examples.json")
CONNECTED_FILE = Path(__file__).with_name("openapi_connected_examples.json")
ERRORS_FILE = Path(__file__).with_name("openapi_error_examples.json")
JSON = "application/json"
# The story connects a server of its own, at an address of the moment.
WRITTEN_REQUESTS: dict[str, Any] = {
    "connectWarehouse": {
        "provider": "postgres",
        "credentials": {
            "host": "warehouse.acme.test",
            "port": "5432",
            "database": "events",
            "username": "levered",
            "password": "secret",
            "sslmode": "require",
        },
    },
}


def add_examples(operation: dict[str, Any]) -> None:
    """Add the examples of an operation to its body and its answers."""
    operation_id = operation["operationId"]
    example = load_examples().get(operation_id, {})
    request = example.get("request", WRITTEN_REQUESTS.get(operation_id))
    if request is not None:
        operation["requestBody"]["content"][JSON]["example"] = request
    answers = dict(example.get("others", {}))
    if "response" in example:
        answers[example["status"]] = example["response"]
    for status, answer in answers.items():
        response = operation["responses"][status]
        # Errors share their content: each gets one of its own.
        content = response["content"][JSON] | {"example": answer}
        response["content"] = response["content"] | {JSON: content}


@functools.cache
def load_examples() -> dict[str, dict[str, Any]]:
    """Return `request`, `response` and its `status` by operation id.

    `others` has answers by other statuses.
    """
    examples: dict[str, dict[str, Any]] = {}
    for file in (EXAMPLES_FILE, CONNECTED_FILE):
        examples |= json.loads(file.read_text())
    return examples


@functools.cache
def load_error_examples() -> dict[str, Any]:
    """Return an answer for each status of the errors that operations share."""
    examples: dict[str, Any] = json.loads(ERRORS_FILE.read_text())
    return examples
