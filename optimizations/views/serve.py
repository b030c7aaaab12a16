"""Public endpoints that serve variants. Plain Django: DRF would cost time."""

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
            "403": {"description": "The origin is not allowed"},
            "409": {"description": "A draft or paused optimization: show the fallback"},
            "413": {"description": "The body is larger than 16 KB"},
        },
    }


@describe_operations(
    post=_build_operation("Assign a variant to a user, or repeat the assignment", {})
)
@responses.json_view("POST", any_origin=True)
@body_limits.limit_body(LARGEST_BODY)
def serve_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the variant that a user gets."""
    return _build_response(request, str(pk))


@describe_operations(
    post=_build_operation(
        "Serve a variant, with the optimization in the body",
        {"optimization_id": {"type": "string", "format": "uuid"}},
    )
)
@responses.json_view("POST", any_origin=True)
@body_limits.limit_body(LARGEST_BODY)
def serve_best_variant(request: HttpRequest) -> HttpResponse:
    """Return the variant that a user gets; the body names the optimization."""
    return _build_response(request, None)


def _build_response(request: HttpRequest, optimization_id: str | None) -> HttpResponse:
    """Count the request and read the cache keys of serving in one round trip."""
    try:
        serve_request = read_request(request, optimization_id)
    except LeveredError:
        _count_request(request, ())
        raise
    keys = service.list_cache_keys(serve_request.optimization_id)
    response = service.serve_variant(serve_request, _count_request(request, keys))
    return responses.build_success_response(
        response.as_json(), organization_id=response.snapshot.organization_id
    )


def _count_request(request: HttpRequest, keys: Sequence[str]) -> list[bytes | None]:
    network = requests.get_client_network(request)
    rate = settings.RATELIMIT_SERVE
    usage, values = rate_limits.count_in_pipeline(RATE_LIMIT_GROUP, rate, network, keys)
    rate_limits.enforce_limit(request, usage)
    return values


def read_request(request: HttpRequest, optimization_id: str | None) -> ServeRequest:
    """Read the body: validate the fields of the API, and ignore unknown ones.

    Raise BadRequestError if the body is not a JSON object, and InvalidParametersError,
    which names the field, if a value has the wrong type.
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
    value = body.get("optimization_id")
    if not isinstance(value, str) or not UUID_PATTERN.fullmatch(value):
        raise InvalidParametersError.for_field("optimization_id", "must be a UUID")
    return value.lower()


def _read_anonymous_id(body: Mapping[str, Any]) -> str:
    value = body.get("anonymous_id")
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ANONYMOUS_ID_LENGTH:
        message = f"must be a string of 1 to {MAX_ANONYMOUS_ID_LENGTH} characters"
        raise InvalidParametersError.for_field("anonymous_id", message)
    if "\0" in value:
        raise InvalidParametersError.for_field(
            "anonymous_id", "must not contain a NUL character"
        )
    return value


def _read_object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidParametersError.for_field(name, "must be an object")
    return value


def _read_flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidParametersError.for_field(name, "must be true or false")
    return value
