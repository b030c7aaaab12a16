"""Public endpoints: which variant does this user get? Plain Django, no DRF."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from levered_site.api import body_limits, parsers, rate_limits, requests, responses
from levered_site.api.openapi import describe_operations
from levered_site.errors import InvalidParametersError, LeveredError
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from optimizations.serving import service
from optimizations.serving.service import ServeRequest

LARGEST_BODY = 16 * body_limits.KB
RATE_LIMIT_GROUP = "serve"
UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

STRING_SCHEMA = {"type": "string"}
REQUEST_PROPERTIES: dict[str, Any] = {
    "anonymous_id": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_ANONYMOUS_ID_LENGTH,
    },
    "context": {
        "type": "object",
        "additionalProperties": {
            "nullable": True,
            "anyOf": [STRING_SCHEMA, {"type": "number"}, {"type": "boolean"}],
        },
    },
    "dry_run": {"type": "boolean", "default": False},
}
RESPONSE_SCHEMA = {
    "type": "object",
    "properties": {
        "optimization_id": {"type": "string", "format": "uuid"},
        "anonymous_id": STRING_SCHEMA,
        "variant": {"type": "object", "additionalProperties": {}},
        "variant_number": {"type": "integer", "minimum": 1},
        "variant_key": STRING_SCHEMA,
        "in_holdout": {"type": "boolean"},
        "policy_version": {"type": "integer", "minimum": 0},
        "propensity": {"type": "number", "minimum": 0, "maximum": 1},
        "sticky": {"type": "boolean"},
        "timestamp": {"type": "string", "format": "date-time"},
    },
}
RESPONSE_SCHEMA["required"] = list(RESPONSE_SCHEMA["properties"])


def _build_operation(summary: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["anonymous_id", *extra],
        "properties": {**REQUEST_PROPERTIES, **extra},
    }
    media = "application/json"
    return {
        "summary": summary,
        "tags": ["optimizations"],
        "security": [],
        "requestBody": {"required": True, "content": {media: {"schema": body}}},
        "responses": {
            "200": {
                "description": summary,
                "content": {media: {"schema": RESPONSE_SCHEMA}},
            },
            "403": {"description": "Not for this origin"},
            "409": {"description": "A draft, or paused: show the fallback"},
            "413": {"description": "The body is over 16 KB"},
        },
    }


@describe_operations(
    post=_build_operation("Decide for a user, or repeat what was decided", {})
)
@responses.json_view("POST", any_origin=True)
@body_limits.limit_body(LARGEST_BODY)
def serve_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer which variant a user gets."""
    return _build_response(request, str(pk))


@describe_operations(
    post=_build_operation(
        "The same, with the optimization in the body",
        {"optimization_id": {"type": "string", "format": "uuid"}},
    )
)
@responses.json_view("POST", any_origin=True)
@body_limits.limit_body(LARGEST_BODY)
def serve_best_variant(request: HttpRequest) -> HttpResponse:
    """Answer the same, with the optimization in the body."""
    return _build_response(request, None)


def _build_response(request: HttpRequest, optimization_id: str | None) -> HttpResponse:
    """Count the request and read what serving needs of the cache, in one round trip."""
    try:
        question = read_request(request, optimization_id)
    except LeveredError:
        _count_request(request, ())
        raise
    known = _count_request(request, service.list_cache_keys(question.optimization_id))
    found = service.serve_variant(question, known)
    return responses.build_success_response(
        found.as_json(), organization_id=found.snapshot.organization_id
    )


def _count_request(request: HttpRequest, keys: Sequence[str]) -> list[bytes | None]:
    sender = requests.get_client_network(request)
    rate = settings.RATELIMIT_SERVE
    usage, values = rate_limits.count_in_pipeline(RATE_LIMIT_GROUP, rate, sender, keys)
    rate_limits.enforce_limit(request, usage)
    return values


def read_request(request: HttpRequest, optimization_id: str | None) -> ServeRequest:
    """Read the body: strict on what is known, deaf to what is not.

    Raises BadRequestError for what is no JSON object, InvalidParametersError naming a
    field of the wrong kind.
    """
    body = parsers.parse_object(request.body)
    return ServeRequest(
        optimization_id=optimization_id or _read_optimization_id(body),
        anonymous_id=_read_anonymous_id(body),
        context=_read_object(body, "context"),
        dry_run=_read_flag(body, "dry_run"),
        origin=request.META.get("HTTP_ORIGIN"),
    )


def _read_optimization_id(body: Mapping[str, Any]) -> str:
    given = body.get("optimization_id")
    if not isinstance(given, str) or not UUID_PATTERN.fullmatch(given):
        raise InvalidParametersError.for_field("optimization_id", "must be a UUID")
    return given.lower()


def _read_anonymous_id(body: Mapping[str, Any]) -> str:
    given = body.get("anonymous_id")
    if not isinstance(given, str) or not 1 <= len(given) <= MAX_ANONYMOUS_ID_LENGTH:
        message = f"must be a string of 1 to {MAX_ANONYMOUS_ID_LENGTH} characters"
        raise InvalidParametersError.for_field("anonymous_id", message)
    if "\0" in given:
        raise InvalidParametersError.for_field(
            "anonymous_id", "must not contain a NUL character"
        )
    return given


def _read_object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = body.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidParametersError.for_field(name, "must be an object")
    return given


def _read_flag(body: Mapping[str, Any], name: str) -> bool:
    given = body.get(name)
    if given is None:
        return False
    if not isinstance(given, bool):
        raise InvalidParametersError.for_field(name, "must be true or false")
    return given
