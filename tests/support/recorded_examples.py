"""The examples of the OpenAPI document, compared with the present answers."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levered_site.api import openapi

CHANGED = (
    "The API has changed. If this is intended, run this test with WRITE_EXAMPLES=1, "
    "then `make openapi`, and read the diff."
)


def find_operation_id(method: str, path: str) -> str:
    """Return the id of the operation; a path without parameters comes first."""
    matching = [
        (template.count("{"), operations[method.lower()]["operationId"])
        for template, operations in openapi.build_document()["paths"].items()
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        and method.lower() in operations
    ]
    return str(min(matching)[1])


def compare_examples(file: Path, told: Mapping[str, Any]) -> None:
    """Assert that a file has what was told, by the names of fields.

    With WRITE_EXAMPLES what was told is written first. An answer of the same names
    stays, so that a diff shows what has changed.
    """
    stored = json.loads(file.read_text())
    if os.environ.get("WRITE_EXAMPLES"):
        stored = {
            name: _keep_answers(stored.get(name, {}), example)
            for name, example in told.items()
        }
        file.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n")
    told_names = {name: _list_names(example) for name, example in told.items()}
    stored_names = {name: _list_names(example) for name, example in stored.items()}
    assert told_names == stored_names, CHANGED


def _keep_answers(stored: Mapping[str, Any], example: Mapping[str, Any]) -> Any:
    """Return an example with those of the stored answers that have the same names."""
    if _list_names(stored) == _list_names(example):
        return stored
    kept = dict(example)
    before = stored.get("response", {})
    if before and sorted(before) == sorted(example.get("response", {})):
        kept["response"] = before
    return kept


def _list_names(example: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request, and the statuses and the names of the fields of the answers."""
    others = example.get("others", {})
    return {
        **example,
        "response": sorted(example.get("response", {})),
        "others": {status: sorted(answer) for status, answer in others.items()},
        "error": example.get("error", {}).get("code"),
        "meta": sorted(example.get("meta", {})),
    }
