"""OpenAPI components of the API conventions: envelope, errors, headers, description."""

from collections.abc import Mapping
from typing import Any

from levered_site.api.requests import SENT_ID
from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH

ERROR_CODES = (
    *("bad_request", "invalid_parameters", "unauthorized", "forbidden", "not_found"),
    *("method_not_allowed", "conflict", "precondition_failed", "payload_too_large"),
    *("unsupported_media_type", "rate_limited", "internal_error", "warehouse_error"),
    "unavailable",
)
TEXT_SCHEMA = {"type": "string"}


def _describe_texts(*names: str) -> dict[str, Any]:
    """Return the schema of an object that has these texts."""
    return {
        "type": "object",
        "required": list(names),
        "properties": dict.fromkeys(names, TEXT_SCHEMA),
    }


COMPONENTS: dict[str, dict[str, Any]] = {
    "Meta": {
        "type": "object",
        "required": ["request_id"],
        "properties": {
            "request_id": {"type": "string", "pattern": f"^{SENT_ID.pattern}$"},
            "organization_id": TEXT_SCHEMA,
        },
    },
    "Envelope": {
        "type": "object",
        "required": ["meta"],
        "properties": {"meta": {"$ref": "#/components/schemas/Meta"}},
    },
    "ErrorBody": {
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
                            "anyOf": [
                                _describe_texts("field", "message"),
                                _describe_texts("code", "message", "next"),
                            ]
                        },
                    },
                },
            },
            "meta": {"$ref": "#/components/schemas/Meta"},
        },
    },
}
ERROR_CONTENT = {
    "application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}
}
ERROR_RESPONSES = {
    "400": ("BadRequest", "The request or one of its fields is invalid"),
    "401": ("Unauthorized", "The credentials are missing or invalid"),
    "403": ("Forbidden", "The caller may not do this"),
    "404": ("NotFound", "The caller's organization has no such resource"),
    "409": ("Conflict", "The state of the resource does not allow it"),
    "412": ("PreconditionFailed", "If-Match names an older version of the resource"),
    "413": ("PayloadTooLarge", "The body is larger than the endpoint reads"),
    "415": ("UnsupportedMediaType", "The body is not JSON"),
    "429": ("RateLimited", "Too many requests; retry after `Retry-After` seconds"),
    "503": ("Unavailable", "The service is unavailable; retry"),
    "default": ("Failure", "Any other failure"),
}

SERVERS = [
    {"url": "/", "description": "The service that this document comes from"},
    {
        "url": "{origin}",
        "description": "A service elsewhere",
        "variables": {"origin": {"default": "http://localhost:3100"}},
    },
]
API_CONVENTIONS = """\
**Responses.** The fields of a resource stand at the top level beside `meta`, which holds the
request id (also in the `X-Request-Id` header) and the organization id. A list stands under
its plural name beside `next_cursor`. Every failure is an `ErrorBody`; its `details` name each
invalid field. Of a 409 that asks for `confirm`, they are the reasons to hesitate: `code`,
`message`, and `next`, what to do.

**Lists** come in pages, newest first by `updated_at` or `created_at`. A row that changes
between two pages may appear twice or not at all.

**CSV.** Lists, and readings that have rows, answer `Accept: text/csv` with a file: RFC 4180 in
UTF-8, objects flattened to dotted names, intervals in two columns (`_lo`, `_hi`). `section`
chooses among several kinds of rows. The next page is in `Link`; health and the reasons of
withheld figures stand in the rows, and in `X-Health`. Texts that a spreadsheet would compute
begin with an apostrophe. `x-csv` beside an answer lists the columns. Errors are JSON.

**Unknown fields** are an error on management endpoints. Serve, best-variant, ingest and track
ignore them.

**Idempotency.** A management POST with an `Idempotency-Key` returns its first response again
for 24 hours (`Idempotent-Replayed: true`). A different body under the same key is a 409, and
so is a repeat while the first request is in progress. Responses with 429 or 5xx are not
stored. A response that held a secret, or over 256 KB, is not returned again: 409. Queries,
previews, evaluations and connection tests create nothing: they ignore the header.

**Concurrency.** Single resources carry an `ETag`. `If-None-Match` returns 304 when the
resource has not changed; `If-Match` on a change returns 412 when it has.

**Rate limits** count requests in fixed windows: those with an API key per key, all others
per client address. `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) report the
current window. A request over the limit is a 429 with `Retry-After`. Where a limit is `0`,
nothing is limited and the three headers are absent.

**Bodies** need a `Content-Length` (a chunked body is a 411). They have at most 1 MB, for
serve 16 KB, for track 64 KB, for ingest and screenshots 5 MB. The web server itself answers
malformed HTTP and oversized headers, without this error format (400, 414, 431).

**Credentials.** People send `Authorization: Bearer` with a token from Clerk or the local
issuer. Programs send an API key, there or as `X-API-Key`. A key does what its scopes say:
`ingest` sends events, `serve` serves under a limit of its own, `read` reads what a member
reads, `write` has a member's rights. No key has an admin's rights. A publishable key
(`track`) may stand in a web page and works for `POST /track` only. The id of another
organization's resource is a 404.
"""


def describe_path_parameter(name: str) -> dict[str, Any]:
    """Describe a path parameter for which the view has no description."""
    return {"name": name, "in": "path", "required": True, "schema": TEXT_SCHEMA}


def list_request_headers(
    method: str, operation: Mapping[str, Any], *, has_get: bool, creates: bool
) -> list[dict[str, Any]]:
    """List the request headers of a management operation; others have none.

    `creates` is whether a POST creates something, and so may not be done twice.
    """
    if {"bearer": []} not in operation.get("security", []):
        return []
    if method == "post" and creates:
        schema = {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH,
        }
        text = "The same key and body return the first response again, for 24 hours."
        return [_describe_request_header("Idempotency-Key", schema, text)]
    if method in {"patch", "delete"} and has_get:
        text = "The ETag of the version to change; 412 if there is a newer one."
        return [_describe_request_header("If-Match", TEXT_SCHEMA, text)]
    return []


def _describe_request_header(
    name: str, schema: dict[str, Any], description: str
) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": schema, "description": description}


def describe_root(document: dict[str, Any], tags: Mapping[str, str]) -> None:
    """Add what stands at the top of the document."""
    document["info"] |= {
        "description": API_CONVENTIONS,
        "contact": {"name": "Whoever runs this service"},
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    document["servers"] = SERVERS
    document["tags"] = [
        {"name": name, "description": description} for name, description in tags.items()
    ]


def simplify_schemas(node: Any) -> None:
    """Remove what drf-spectacular leaves: ids of enums, and null beside anything."""
    if isinstance(node, list):
        for item in node:
            simplify_schemas(item)
    elif isinstance(node, dict):
        node.pop("x-spec-enum-id", None)
        if node.get("oneOf") == [{}, {"type": "null"}]:
            node.pop("oneOf")
        for value in node.values():
            simplify_schemas(value)
