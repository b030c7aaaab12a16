"""The contract's conventions as OpenAPI says them: shapes, errors, headers, and in words."""

from collections.abc import Mapping
from typing import Any

from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH

ERROR_CODES = (
    *("bad_request", "invalid_parameters", "unauthorized", "forbidden", "not_found"),
    *("method_not_allowed", "conflict", "precondition_failed", "payload_too_large"),
    *("unsupported_media_type", "rate_limited", "internal_error", "warehouse_error"),
    "unavailable",
)
TEXT_SCHEMA = {"type": "string"}
COMPONENTS: dict[str, dict[str, Any]] = {
    "Meta": {
        "type": "object",
        "required": ["request_id"],
        "properties": {
            "request_id": {"type": "string", "pattern": "^req_[0-9a-f]{32}$"},
            "organization_id": TEXT_SCHEMA,
        },
    },
    "Envelope": {
        "type": "object",
        "required": ["meta"],
        "properties": {"meta": {"$ref": "#/components/schemas/Meta"}},
    },
    "Error": {
        "type": "object",
        "required": ["error", "meta"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string", "enum": list(ERROR_CODES)},
                    "message": TEXT_SCHEMA,
                    "details": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["field", "message"],
                            "properties": {
                                "field": TEXT_SCHEMA,
                                "message": TEXT_SCHEMA,
                            },
                        },
                    },
                },
            },
            "meta": {"$ref": "#/components/schemas/Meta"},
        },
    },
}
ERROR_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
ERROR_RESPONSES = {
    "400": ("BadRequest", "The request or a field of it is not acceptable"),
    "401": ("Unauthorized", "No valid credentials"),
    "403": ("Forbidden", "Not for this caller"),
    "404": ("NotFound", "No such thing for this caller"),
    "409": ("Conflict", "The state of the resource forbids it"),
    "412": ("PreconditionFailed", "If-Match names an older state"),
    "413": ("PayloadTooLarge", "The body is too large"),
    "415": ("UnsupportedMediaType", "The body is not JSON"),
    "429": ("RateLimited", "Too many requests; Retry-After says when to come back"),
    "503": ("Unavailable", "Not now; retry"),
    "default": ("Failure", "Any other failure"),
}

API_CONVENTIONS = """\
**Answers.** A resource's fields stand at top level beside `meta`, which names the request
(also the `X-Request-Id` header) and the organization. A list comes under its plural name
with `next_cursor`. Every failure has the shape `Error`; `details` names each invalid field.

**Lists.** Newest first by `updated_at` or `created_at`, in pages. A row changed between two
pages may come twice or not at all.

**Fields** that are not known are refused on management endpoints, and ignored by serve,
best-variant and ingest.

**Repeats.** A management POST with an `Idempotency-Key` gets its first answer again for 24
hours (`Idempotent-Replayed: true`); another body under the same key is a 409, and so is a
repeat while the first is in progress. Answers of 429 and 5xx are not kept. An answer that
held a secret is not repeated: 409.

**Concurrency.** Single resources carry an `ETag`; `If-None-Match` gives 304, `If-Match` on a
change gives 412 when the resource has changed since.

**Limits** are counted per address in fixed windows, ingestion per API key. `RateLimit-Limit`,
`RateLimit-Remaining` and `RateLimit-Reset` (seconds) say where you stand; over it is a 429
with `Retry-After`. A limit set to `0` leaves the three headers out. Bodies need a
`Content-Length` (chunked ones get a 411) and have at most 1 MB; serve 16 KB, ingest and
screenshots 5 MB. What is no HTTP, or has headers larger than the server reads, it answers
itself, without this shape (400, 414, 431).

**Credentials.** People send `Authorization: Bearer` with a token of Clerk or of the local
issuer; backends send an API key, which opens ingestion and nothing else. Another
organization's id is a 404.
"""


def describe_path_parameter(name: str) -> dict[str, Any]:
    """Describe a path parameter that nobody described."""
    return {"name": name, "in": "path", "required": True, "schema": TEXT_SCHEMA}


def list_request_headers(
    method: str, operation: Mapping[str, Any], *, shown: bool
) -> list[dict[str, Any]]:
    """Name the headers a management operation takes; `shown`: the path has a GET."""
    if {"bearer": []} not in operation.get("security", []):
        return []
    if method == "post":
        shape = {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH,
        }
        text = "The same key and body get the first answer again, for 24 hours."
        return [_describe_header("Idempotency-Key", shape, text)]
    if method in {"patch", "delete"} and shown:
        text = "The ETag of the state to change; 412 when there is a newer one."
        return [_describe_header("If-Match", TEXT_SCHEMA, text)]
    return []


def _describe_header(
    name: str, schema: dict[str, Any], description: str
) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": schema, "description": description}


def describe_error_responses() -> dict[str, Any]:
    """Describe the failures once, for operations to refer to."""
    return {
        name: {"description": description, "content": ERROR_CONTENT}
        for name, description in ERROR_RESPONSES.values()
    }
