"""Public endpoint: events that a web page sends with a publishable key.

Plain Django, because a page's beacon has whatever media type keeps it from a preflight.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from levered_site.api import (
    body_limits,
    credentials,
    parsers,
    rate_limits,
    requests,
    responses,
)
from levered_site.api.openapi import COMPONENTS_MARK, describe_operations
from levered_site.api.origins import is_origin_allowed
from levered_site.errors import (
    ForbiddenError,
    InvalidParametersError,
    LeveredError,
    UnauthorizedError,
)
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH, MAX_IDEMPOTENCY_KEY_LENGTH
from levered_site.organizations import scopes
from levered_site.organizations.actors import KeyHolder
from levered_site.organizations.authentication import load_key_holder
from optimizations.ingestion import byte_quota, tracking
from optimizations.ingestion.service import IngestResult
from optimizations.serving import crawlers

LARGEST_BODY = 64 * body_limits.KB
KEY_MISSING = "Send a publishable key (`lev_pub_…`) as `key` in the body."
FOREIGN_ORIGIN = "This key accepts no events from this origin. Add the origin to the key's `origins`."

STRING_SCHEMA = {"type": "string"}
COMMON_PROPERTIES: dict[str, Any] = {
    "timestamp": {
        "type": "string",
        "format": "date-time",
        "description": "With an offset. Default: now.",
    },
    "idempotency_key": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH,
        "description": "Counts once in 7 days.",
    },
}
REWARD_SCHEMA = {
    "type": "object",
    "required": ["type", "name"],
    "properties": {
        "type": {"type": "string", "enum": ["reward"]},
        "name": {**STRING_SCHEMA, "description": "One of the key's rewards."},
        "value": {
            "type": "number",
            "default": 1,
            "description": "Within the key's bounds.",
        },
        **COMMON_PROPERTIES,
    },
}
EXPOSURE_SCHEMA = {
    "type": "object",
    "required": ["type", "optimization_id", "variant_number", "policy_version"],
    "properties": {
        "type": {"type": "string", "enum": ["exposure"]},
        "optimization_id": {"type": "string", "format": "uuid"},
        "variant_number": {"type": "integer", "minimum": 1},
        "policy_version": {"type": "integer", "minimum": 0},
        "context": {"type": "object", "additionalProperties": {}},
        **COMMON_PROPERTIES,
    },
}
REQUEST_SCHEMA = {
    "type": "object",
    "required": ["anonymous_id", "events"],
    "properties": {
        "key": {**STRING_SCHEMA, "description": "Or in the header `X-API-Key`."},
        "anonymous_id": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_ANONYMOUS_ID_LENGTH,
        },
        "events": {
            "type": "array",
            "minItems": 1,
            "maxItems": tracking.MAX_EVENTS,
            "items": {
                "oneOf": [
                    {"$ref": "#/components/schemas/TrackedReward"},
                    {"$ref": "#/components/schemas/TrackedExposure"},
                ]
            },
        },
    },
}
RECEIPT_SCHEMA = {
    "allOf": [
        {"$ref": "#/components/schemas/IngestReceipt"},
        {
            "type": "object",
            "properties": {
                "crawler": {
                    "type": "boolean",
                    "description": "True where a known crawler sent the events, which "
                    "are not stored; absent otherwise.",
                }
            },
        },
    ]
}
RECEIPT = {
    "application/json": {"schema": {"$ref": "#/components/schemas/TrackReceipt"}}
}
COMPONENTS = {
    "TrackRequest": REQUEST_SCHEMA,
    "TrackedReward": REWARD_SCHEMA,
    "TrackedExposure": EXPOSURE_SCHEMA,
    "TrackReceipt": RECEIPT_SCHEMA,
}


@describe_operations(
    post={
        "description": "The rewards of the key and exposures, of one user. Any media type "
        "is read as JSON, so that `navigator.sendBeacon` needs no preflight.",
        "security": [],
        COMPONENTS_MARK: COMPONENTS,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/TrackRequest"}
                },
                "text/plain": {"schema": STRING_SCHEMA},
            },
        },
        "responses": {
            "200": {
                "description": "Every event is stored, or a crawler sent them",
                "content": RECEIPT,
            },
            "207": {"description": "Some events are refused", "content": RECEIPT},
            "401": {"description": "There is no key, or it does not work"},
            "403": {"description": "Not a publishable key, or another origin's page"},
            "409": {"description": "A warehouse of its own, or keys of other events"},
            "413": {"description": "The body is larger than 64 KB"},
        },
    }
)
# A page's tag manager may add parameters of its own, and nobody reads a beacon's refusal.
@responses.json_view("POST", any_origin=True, query_parameters=None)
@body_limits.limit_body(LARGEST_BODY)
def track_events(request: HttpRequest) -> HttpResponse:
    """Store up to 50 events of a user. After a 200 or 207 they are on disk.

    Those of a known crawler are read, refused where they are wrong, and not stored.
    """
    body, holder = _read_and_count(request)
    scopes.require_scope(holder, scopes.TRACK)
    _refuse_foreign_origin(request, holder)
    is_crawler = crawlers.is_crawler(request.headers.get("User-Agent", ""))
    if not is_crawler:
        byte_quota.spend_bytes(holder.organization_id, len(request.body))
    result = tracking.accept_tracked_events(
        holder,
        body.get("anonymous_id"),
        body.get("events"),
        is_recorded=not is_crawler,
    )
    return _build_response(holder, result, is_crawler=is_crawler)


def _read_and_count(request: HttpRequest) -> tuple[dict[str, Any], KeyHolder]:
    """Return the body and the holder of its key; count the request by its address.

    A wrong key has been counted as a guess by then, and takes nothing from visitors.
    """
    try:
        body = parsers.parse_object(request.body)
        secret = _read_key(request, body)
    except LeveredError:
        _count_request(request)
        raise
    holder = load_key_holder(request, secret)
    _count_request(request)
    return body, holder


def _count_request(request: HttpRequest) -> None:
    network = requests.get_client_network(request)
    rate_limits.count_request(request, "track", settings.RATELIMIT_TRACK, network)


def _build_response(
    holder: KeyHolder, result: IngestResult, *, is_crawler: bool
) -> HttpResponse:
    rejected = [
        {"index": item.index, "code": item.code, "message": item.message}
        for item in result.rejected
    ]
    return responses.build_success_response(
        {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "rejected": rejected,
            **({"crawler": True} if is_crawler else {}),
        },
        organization_id=holder.organization_id,
        status=207 if rejected else 200,
    )


def _read_key(request: HttpRequest, body: dict[str, Any]) -> str:
    key = body.get("key")
    if key is None:
        key = credentials.read_api_key(request)
    if key is None:
        raise UnauthorizedError(KEY_MISSING)
    if not isinstance(key, str):
        raise InvalidParametersError.for_field("key", "must be a string")
    return key


def _refuse_foreign_origin(request: HttpRequest, holder: KeyHolder) -> None:
    """Raise ForbiddenError for a page that the key does not list.

    A request without an origin does not come from a page and passes, as with serve.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or not holder.origins:
        return
    if not is_origin_allowed(origin, holder.origins):
        raise ForbiddenError(FOREIGN_ORIGIN)
