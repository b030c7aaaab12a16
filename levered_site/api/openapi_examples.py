"""Examples of the OpenAPI document: what a customer sent, and the real answers.

`tests/test_openapi_examples.py` writes openapi_examples.json from a story and compares
it with the present answers.
"""

import functools
import json
from pathlib import Path
from typing import Any

EXAMPLES_FILE = Path(__file__).with_name("openapi_examples.json")
# Of a warehouse of your own, which the story has not.
EXPOSURES = {
    "sql": "SELECT user_id, seen_at, experiment_id, variant FROM experiment_views",
    "column_mapping": {
        "anonymous_id": "user_id",
        "timestamp": "seen_at",
        "optimization_id": "experiment_id",
        "variant": "variant",
    },
}
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
    "createAssignmentSource": {"name": "Headline views", **EXPOSURES},
    "updateAssignmentSource": {"name": "Views of the headline"},
    "previewUnsavedAssignmentSource": {**EXPOSURES, "limit": 5},
    "previewAssignmentSource": {"limit": 5},
}


def add_examples(operation: dict[str, Any]) -> None:
    """Add the examples of an operation to its body and its answer."""
    operation_id = operation["operationId"]
    example = load_examples().get(operation_id, {})
    request = example.get("request", WRITTEN_REQUESTS.get(operation_id))
    if request is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = request
    if "response" in example:
        content = operation["responses"][example["status"]]["content"]
        content["application/json"]["example"] = example["response"]


@functools.cache
def load_examples() -> dict[str, dict[str, Any]]:
    """Return `request`, `response` and its `status` by operation id."""
    examples: dict[str, dict[str, Any]] = json.loads(EXAMPLES_FILE.read_text())
    return examples
