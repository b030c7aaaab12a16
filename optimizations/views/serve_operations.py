"""The serve endpoints as the OpenAPI document describes them."""

from collections.abc import Mapping
from typing import Any

from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from optimizations.views.serve_request import MAX_OPTIMIZATIONS

STRING_SCHEMA = {"type": "string"}
UUID_SCHEMA = {"type": "string", "format": "uuid"}
IDS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": UUID_SCHEMA,
    "minItems": 1,
    "maxItems": MAX_OPTIMIZATIONS,
    "uniqueItems": True,
}
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
    "record": {"type": "boolean", "default": True},
}
RESPONSE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "optimization_id": UUID_SCHEMA,
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
# Without a key, a request that records nothing does not learn the last two.
RESPONSE_SCHEMA["required"] = list(RESPONSE_SCHEMA["properties"])[:-2]
FAILED_DECISION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["optimization_id", "error"],
    "properties": {
        "optimization_id": UUID_SCHEMA,
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": STRING_SCHEMA, "message": STRING_SCHEMA},
        },
    },
}
BATCH_RESPONSE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["decisions"],
    "properties": {
        "decisions": {
            "type": "array",
            "items": {"oneOf": [RESPONSE_SCHEMA, FAILED_DECISION_SCHEMA]},
        }
    },
}


def build_operation(
    summary: str,
    extra: Mapping[str, Any],
    response: Mapping[str, Any] = RESPONSE_SCHEMA,
) -> dict[str, Any]:
    """Return the operation of an endpoint; `extra` are further required fields."""
    body = {
        "type": "object",
        "required": ["anonymous_id", *extra],
        "properties": {**REQUEST_PROPERTIES, **extra},
    }
    media = "application/json"
    return {
        "summary": summary,
        "tags": ["optimizations"],
        "security": [{}, {"api_key": []}, {"api_key_bearer": []}],
        "requestBody": {"required": True, "content": {media: {"schema": body}}},
        "responses": {
            "200": {
                "description": summary,
                "content": {media: {"schema": response}},
            },
            "401": {"description": "The API key is unknown, revoked or expired"},
            "403": {
                "description": "The origin is not allowed, or the key may not serve"
            },
            "409": {"description": "A draft or paused optimization: show the fallback"},
            "413": {"description": "The body is larger than 16 KB"},
        },
    }
