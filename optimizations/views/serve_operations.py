"""The serve endpoints as the OpenAPI document describes them."""

from collections.abc import Mapping
from typing import Any

from levered_site.api.openapi import COMPONENTS_MARK
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
        "description": "Names the user, who keeps the variant.",
        "minLength": 1,
        "maxLength": MAX_ANONYMOUS_ID_LENGTH,
    },
    "context": {
        "type": "object",
        "description": "What is known about the user, by context factor.",
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    },
    "dry_run": {
        "type": "boolean",
        "default": False,
        "description": "Decide and store nothing.",
    },
    "record": {
        "type": "boolean",
        "default": True,
        "description": "False: store nothing; send the exposure once the user sees it.",
    },
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
        # As it was sent: what is no id at all fails like this, too.
        "optimization_id": STRING_SCHEMA,
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
            "items": {
                "oneOf": [
                    {"$ref": "#/components/schemas/Decision"},
                    {"$ref": "#/components/schemas/FailedDecision"},
                ]
            },
        }
    },
}


def _build_request_schema(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a body; `extra` are further required fields."""
    return {
        "type": "object",
        "required": ["anonymous_id", *extra],
        "properties": {**REQUEST_PROPERTIES, **extra},
    }


COMPONENTS = {
    "ServeRequest": _build_request_schema({}),
    "BestVariantRequest": _build_request_schema({"optimization_id": UUID_SCHEMA}),
    "BestVariantsRequest": _build_request_schema({"optimization_ids": IDS_SCHEMA}),
    "Decision": RESPONSE_SCHEMA,
    "FailedDecision": FAILED_DECISION_SCHEMA,
    "DecisionList": BATCH_RESPONSE_SCHEMA,
}


def build_operation(
    description: str, request: str, response: str = "Decision"
) -> dict[str, Any]:
    """Return the operation of an endpoint; its schemas are named as in COMPONENTS."""
    conflict = {"description": "A draft or paused optimization: show the fallback"}
    return {
        "description": description,
        "security": [{}, {"api_key": []}, {"api_key_bearer": []}],
        COMPONENTS_MARK: COMPONENTS,
        "requestBody": {"required": True, "content": _build_content(request)},
        "responses": {
            "200": {
                "description": "The decision, or one for each optimization",
                "content": _build_content(response),
            },
            "401": {"description": "The API key is unknown, revoked or expired"},
            "403": {
                "description": "The origin is not allowed, or the key may not serve"
            },
            **({"409": conflict} if response == "Decision" else {}),
            "413": {"description": "The body is larger than 16 KB"},
        },
    }


def _build_content(component: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{component}"}
    return {"application/json": {"schema": schema}}
