"""Public endpoints: which variant does this user get? Plain Django, no DRF."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from levered_site.api import answers, bodies, parsers, ratelimits, requests
from levered_site.api.openapi import described
from levered_site.errors import InvalidParametersError, LeveredError
from optimizations.serving import service
from optimizations.serving.service import Question

LONGEST_ID = 256
LARGEST_BODY = 16 * bodies.KB
GROUP = "serve"
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

TEXT = {"type": "string"}
ASKED: dict[str, Any] = {
    "anonymous_id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
    "context": {
        "type": "object",
        "additionalProperties": {
            "nullable": True,
            "anyOf": [TEXT, {"type": "number"}, {"type": "boolean"}],
        },
    },
    "dry_run": {"type": "boolean", "default": False},
}
ANSWER = {
    "type": "object",
    "properties": {
        "optimization_id": {"type": "string", "format": "uuid"},
        "anonymous_id": TEXT,
        "variant": {"type": "object", "additionalProperties": {}},
        "variant_number": {"type": "integer", "minimum": 1},
        "variant_key": TEXT,
        "in_holdout": {"type": "boolean"},
        "policy_version": {"type": "integer", "minimum": 0},
        "propensity": {"type": "number", "minimum": 0, "maximum": 1},
        "sticky": {"type": "boolean"},
        "timestamp": {"type": "string", "format": "date-time"},
    },
}
ANSWER["required"] = list(ANSWER["properties"])


def _operation(summary: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["anonymous_id", *extra],
        "properties": {**ASKED, **extra},
    }
    media = "application/json"
    return {
        "summary": summary,
        "tags": ["optimizations"],
        "security": [],
        "requestBody": {"required": True, "content": {media: {"schema": body}}},
        "responses": {
            "200": {"description": summary, "content": {media: {"schema": ANSWER}}},
            "403": {"description": "Not for this origin"},
            "409": {"description": "A draft, or paused: show the fallback"},
            "413": {"description": "The body is over 16 KB"},
        },
    }


@described(post=_operation("Decide for a user, or repeat what was decided", {}))
@answers.json_view("POST", any_origin=True)
@bodies.limited_to(LARGEST_BODY)
def serve(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer which variant a user gets."""
    return _answer(request, str(pk))


@described(
    post=_operation(
        "The same, with the optimization in the body",
        {"optimization_id": {"type": "string", "format": "uuid"}},
    )
)
@answers.json_view("POST", any_origin=True)
@bodies.limited_to(LARGEST_BODY)
def best_variant(request: HttpRequest) -> HttpResponse:
    """Answer the same, with the optimization in the body."""
    return _answer(request, None)


def _answer(request: HttpRequest, optimization_id: str | None) -> HttpResponse:
    """Count the request and read what serving needs of the cache, in one round trip."""
    try:
        question = read(request, optimization_id)
    except LeveredError:
        _count(request, ())
        raise
    known = _count(request, service.keys(question.optimization_id))
    found = service.answer(question, known)
    return answers.success(
        found.as_json(), organization_id=found.snapshot.organization_id
    )


def _count(request: HttpRequest, keys: Sequence[str]) -> list[bytes | None]:
    sender = requests.client_network(request)
    rate = settings.RATELIMIT_SERVE
    usage, values = ratelimits.count_in_pipeline(GROUP, rate, sender, keys)
    ratelimits.enforce(request, usage)
    return values


def read(request: HttpRequest, optimization_id: str | None) -> Question:
    """Read the body: strict on what is known, deaf to what is not.

    Raises BadRequestError for what is no JSON object, InvalidParametersError naming a
    field of the wrong kind.
    """
    body = parsers.parse_object(request.body)
    return Question(
        optimization_id=optimization_id or _optimization_id(body),
        anonymous_id=_anonymous_id(body),
        context=_object(body, "context"),
        dry_run=_flag(body, "dry_run"),
        origin=request.META.get("HTTP_ORIGIN"),
    )


def _optimization_id(body: Mapping[str, Any]) -> str:
    given = body.get("optimization_id")
    if not isinstance(given, str) or not UUID_TEXT.fullmatch(given):
        raise InvalidParametersError.of("optimization_id", "must be a UUID")
    return given.lower()


def _anonymous_id(body: Mapping[str, Any]) -> str:
    given = body.get("anonymous_id")
    if not isinstance(given, str) or not 1 <= len(given) <= LONGEST_ID:
        message = f"must be a string of 1 to {LONGEST_ID} characters"
        raise InvalidParametersError.of("anonymous_id", message)
    if "\0" in given:
        raise InvalidParametersError.of(
            "anonymous_id", "must not contain a NUL character"
        )
    return given


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = body.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidParametersError.of(name, "must be an object")
    return given


def _flag(body: Mapping[str, Any], name: str) -> bool:
    given = body.get(name)
    if given is None:
        return False
    if not isinstance(given, bool):
        raise InvalidParametersError.of(name, "must be true or false")
    return given
