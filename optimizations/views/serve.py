"""Public endpoints that serve variants. Plain Django: DRF would cost time."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from levered_site.api import body_limits, rate_limits, requests, responses
from levered_site.api.openapi import describe_operations
from levered_site.errors import LeveredError
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from optimizations.serving import service
from optimizations.views.serve_request import read_serve_request

LARGEST_BODY = 16 * body_limits.KB
RATE_LIMIT_GROUP = "serve"

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
        serve_request = read_serve_request(
            request.body, optimization_id, request.META.get("HTTP_ORIGIN")
        )
    except LeveredError:
        _count_request(request, ())
        raise
    keys = service.list_cache_keys(serve_request.optimization_id)
    response = service.serve_variant(serve_request, _count_request(request, keys))
    return responses.build_success_response(
        response.as_json(tells_history=serve_request.is_recorded),
        organization_id=response.snapshot.organization_id,
    )


def _count_request(request: HttpRequest, keys: Sequence[str]) -> list[bytes | None]:
    network = requests.get_client_network(request)
    rate = settings.RATELIMIT_SERVE
    usage, values = rate_limits.count_in_pipeline(RATE_LIMIT_GROUP, rate, network, keys)
    rate_limits.enforce_limit(request, usage)
    return values
