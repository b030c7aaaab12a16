"""Public endpoints that serve variants. Plain Django: DRF would cost time.

Plain successes are answered by the ASGI front instead, see serve_front.py; this is the
reference for what it answers.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from levered_site.api import body_limits, rate_limits, requests, responses
from levered_site.api.openapi import describe_operations
from levered_site.errors import LeveredError, NotFoundError
from levered_site.ids import is_uuid
from levered_site.organizations import serving_keys
from levered_site.organizations.serving_keys import ServingKey
from optimizations.serving import crawlers, metrics, service
from optimizations.serving.service import ServeRequest, ServeResponse
from optimizations.serving.snapshot import NOT_FOUND_MESSAGE
from optimizations.views.serve_operations import build_operation
from optimizations.views.serve_request import (
    LARGEST_BODY,
    ServeClient,
    choose_rate_limit,
    read_serve_request,
    read_serve_requests,
)

T = TypeVar("T")


@describe_operations(
    post=build_operation(
        "Assign a variant, or repeat the assignment. A browser needs no key; a server "
        "sends one with the scope `serve`.",
        "ServeRequest",
    )
)
@responses.json_view("POST", any_origin=True, query_parameters=None)
@body_limits.limit_body(LARGEST_BODY)
def serve_variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the variant that a user gets."""
    return _serve_one(request, str(pk))


@describe_operations(post=build_operation("The same as `serve`.", "BestVariantRequest"))
@responses.json_view("POST", any_origin=True, query_parameters=None)
@body_limits.limit_body(LARGEST_BODY)
def serve_best_variant(request: HttpRequest) -> HttpResponse:
    """Return the variant that a user gets; the body names the optimization."""
    return _serve_one(request, None)


@describe_operations(
    post=build_operation(
        "Each optimization has a decision or an error. New assignments are stored "
        "together.",
        "BestVariantsRequest",
        "DecisionList",
    )
)
@responses.json_view("POST", any_origin=True, query_parameters=None)
@body_limits.limit_body(LARGEST_BODY)
def serve_best_variants(request: HttpRequest) -> HttpResponse:
    """Return a user's variants; new decisions are stored in one commit."""
    with _measured():
        serve_requests, cached_values = _read_and_count(
            request,
            lambda client: read_serve_requests(request.body, client),
            lambda found: [
                key
                for serve_request in _select_well_formed(found)
                for key in service.list_cache_keys(serve_request.optimization_id)
            ],
        )
        well_formed = _select_well_formed(serve_requests)
        results = service.serve_variants(well_formed, cached_values)
    by_id = {
        serve_request.optimization_id: result
        for serve_request, result in zip(well_formed, results, strict=True)
    }
    not_found = NotFoundError(NOT_FOUND_MESSAGE)
    decisions = [
        _build_decision(
            serve_request, by_id.get(serve_request.optimization_id, not_found)
        )
        for serve_request in serve_requests
    ]
    return responses.build_success_response({"decisions": decisions})


def _select_well_formed(serve_requests: Sequence[ServeRequest]) -> list[ServeRequest]:
    return [each for each in serve_requests if is_uuid(each.optimization_id)]


def _serve_one(request: HttpRequest, optimization_id: str | None) -> HttpResponse:
    with _measured():
        serve_request, cached_values = _read_and_count(
            request,
            lambda client: read_serve_request(request.body, optimization_id, client),
            lambda found: service.list_cache_keys(found.optimization_id),
        )
        response = service.serve_variant(serve_request, cached_values)
    return responses.build_success_response(
        response.as_json(tells_history=serve_request.tells_history),
        organization_id=response.snapshot.organization_id,
    )


def _build_decision(
    serve_request: ServeRequest, result: ServeResponse | LeveredError
) -> dict[str, Any]:
    if isinstance(result, ServeResponse):
        return result.as_json(tells_history=serve_request.tells_history)
    metrics.count_failure(result)
    error = responses.build_error_body(result)
    return {"optimization_id": serve_request.optimization_id, **error}


@contextmanager
def _measured() -> Iterator[None]:
    """Observe the time of an answer, and count an error as its outcome."""
    started_at = time.perf_counter()
    try:
        yield
    except LeveredError as error:
        metrics.count_failure(error)
        raise
    finally:
        metrics.observe_serve(time.perf_counter() - started_at)


def _read_and_count(
    request: HttpRequest,
    read: Callable[[ServeClient], T],
    list_cache_keys: Callable[[T], Sequence[str]],
) -> tuple[T, list[bytes | None]]:
    """Read the body; count the request and read the cache keys in one round trip.

    A wrong key has been counted as a guess by then, and takes nothing from visitors.
    """
    key = serving_keys.authenticate_serving_key(request)
    try:
        serving_keys.require_serve_scope(key)
        requests.refuse_unknown_parameters(request, ())  # counted as other refusals are
        result = read(_describe_client(request, key))
    except LeveredError:
        _count_request(request, key, ())
        raise
    return result, _count_request(request, key, list_cache_keys(result))


def _describe_client(request: HttpRequest, key: ServingKey | None) -> ServeClient:
    return ServeClient(
        origin=request.META.get("HTTP_ORIGIN"),
        is_crawler=crawlers.is_crawler(request.META.get("HTTP_USER_AGENT", "")),
        key_organization_id=key.organization_id if key else None,
    )


def _count_request(
    request: HttpRequest, key: ServingKey | None, cache_keys: Sequence[str]
) -> list[bytes | None]:
    limit = choose_rate_limit(requests.get_client_network(request), key)
    usage, values = rate_limits.count_in_pipeline(*limit, cache_keys)
    rate_limits.enforce_limit(request, usage)
    return values
