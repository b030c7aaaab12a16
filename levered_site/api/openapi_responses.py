"""What the API conventions add to every response in the OpenAPI document."""

from collections.abc import Iterable, Mapping
from typing import Any

from levered_site.api import openapi_components, openapi_examples

Operation = Mapping[str, Any]
INTEGER_SCHEMA = {"type": "integer", "minimum": 0}
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The id of the request, as in `meta` and in the log.",
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {
        "description": "Requests of the window; absent where nothing is limited.",
        "schema": INTEGER_SCHEMA,
    },
    "RateLimit-Remaining": {
        "description": "Requests left in the window.",
        "schema": INTEGER_SCHEMA,
    },
    "RateLimit-Reset": {
        "description": "Seconds until the window ends.",
        "schema": INTEGER_SCHEMA,
    },
    "Retry-After": {
        "description": "Seconds to wait before the request is repeated.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "The version of the resource, for If-Match and If-None-Match.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "The path of the resource.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true` where this is the first response again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "WWW-Authenticate": {
        "description": "The scheme to authenticate by.",
        "schema": {"type": "string"},
    },
}
COMMON_HEADERS = (
    *("X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
)
# Probes are not counted.
UNLIMITED_TAG = "health"
STATUS_HEADERS = {
    "401": ("WWW-Authenticate",),
    "409": ("Retry-After",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
# Operations whose successes have an ETag; the tests compare this with the answers.
TAGGED = {
    *("getOptimization", "createOptimization", "updateOptimization"),
    *("shipOptimization", "stopOptimization", "archiveOptimization"),
    *("unarchiveOptimization", "getCandidate", "putCandidate", "getScreenshot"),
    *("getPolicy", "getModel", "getModelPolicy", "getTrainingRun"),
    *("cancelTrainingRun", "getMetric", "createMetric", "updateMetric"),
    *("getAssignmentSource", "createAssignmentSource", "updateAssignmentSource"),
    *("getConnection", "getApiKey", "updateApiKey"),
}
# Reads that answer If-None-Match with a 304.
CONDITIONAL = {
    *("getOptimization", "getScreenshot", "getPolicy", "getModel", "getModelPolicy"),
    *("getTrainingRun", "getMetric", "getAssignmentSource", "getConnection"),
    "getApiKey",
}
LOCATED = {
    *("createOptimization", "createMetric", "createAssignmentSource", "trainModel"),
}
# No state conflicts with a batch of decisions: each of them has an error of its own.
WITHOUT_CONFLICT = {"getBestVariants"}


def describe_error_responses() -> dict[str, Any]:
    """Return the error responses that operations refer to, with their headers."""
    return {
        name: {
            "description": description,
            "headers": _refer_to((*COMMON_HEADERS, *STATUS_HEADERS.get(code, ()))),
            "content": _build_error_content(code),
        }
        for code, (name, description) in openapi_components.ERROR_RESPONSES.items()
    }


def _build_error_content(code: str) -> dict[str, Any]:
    examples = openapi_examples.load_error_examples()
    example = {"example": examples[code]} if code in examples else {}
    return {
        media_type: described | example
        for media_type, described in openapi_components.ERROR_CONTENT.items()
    }


def list_error_codes(
    method: str, operation: Operation, *, has_path_parameters: bool
) -> list[str]:
    """Return the codes of the errors that an operation may answer."""
    codes = ["400", "429", "503", "default"]
    if operation.get("security"):
        codes += ["401", "403"]
    if has_path_parameters:
        codes.append("404")
    if "requestBody" in operation:
        codes += ["413", "415"]
    changes = method in {"post", "patch", "delete"}
    if changes and operation["operationId"] not in WITHOUT_CONFLICT:
        codes.append("409")
    if method in {"patch", "delete"}:
        codes.append("412")
    return sorted(codes)


def add_headers(operation: dict[str, Any]) -> None:
    """Add a 304 where it may come, and the headers of every response."""
    if operation["operationId"] in CONDITIONAL:
        unchanged = {"description": "If-None-Match names the present ETag"}
        operation["responses"].setdefault("304", unchanged)
    for code, response in operation["responses"].items():
        if "$ref" not in response:
            names = _list_headers(code, operation)
            response["headers"] = _refer_to(names) | response.get("headers", {})


def _list_headers(code: str, operation: Operation) -> list[str]:
    is_probe = UNLIMITED_TAG in operation["tags"]
    names = ["X-Request-Id"] if is_probe else [*COMMON_HEADERS]
    names += STATUS_HEADERS.get(code, ())
    if code[0] not in "23":
        return names
    operation_id = operation["operationId"]
    if operation_id in TAGGED:
        names.append("ETag")
    if operation_id in LOCATED:
        names.append("Location")
    if any(each["name"] == "Idempotency-Key" for each in operation["parameters"]):
        names.append("Idempotent-Replayed")
    return names


def _refer_to(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
