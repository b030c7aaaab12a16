"""The API response format, and the decorator for plain views that answer in it."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeAlias, cast

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from levered_site import json_text
from levered_site.api import cors, payloads, requests
from levered_site.errors import (
    ConfirmationRequiredError,
    LeveredError,
    MethodNotAllowedError,
)

P = ParamSpec("P")
View: TypeAlias = Callable[Concatenate[HttpRequest, P], HttpResponse]

JSON_CONTENT_TYPE = "application/json"
_JSON_OPTIONS = (
    orjson.OPT_UTC_Z
    | orjson.OPT_NAIVE_UTC
    | orjson.OPT_OMIT_MICROSECONDS
    | orjson.OPT_PASSTHROUGH_DATACLASS  # to payloads.list_fields, for optional fields
)


def to_json(document: Any) -> bytes:
    """Return JSON with times as `2026-03-28T14:22:00Z` and UUIDs as text.

    Integers beyond 64 bits, as JSON columns return large floats, are floats.
    """
    return json_text.dump_json(document, payloads.list_fields, _JSON_OPTIONS)


def build_meta(organization_id: str | None = None) -> dict[str, str]:
    """Return `meta`: the ids of the current request and of the organization, if known."""
    meta = {"request_id": requests.get_request_id()}
    if organization_id is not None:
        meta["organization_id"] = organization_id
    return meta


def build_success_response(
    payload: Mapping[str, Any],
    *,
    organization_id: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return a response with the payload's fields at the top level, then `meta`."""
    content = to_json({**payload, "meta": build_meta(organization_id)})
    return HttpResponse(content, JSON_CONTENT_TYPE, status, headers=headers)


def build_error_body(error: LeveredError) -> dict[str, Any]:
    """Return the body of an error response, without `meta`."""
    body: dict[str, Any] = {
        "code": error.code,
        "message": _replace_surrogates(error.message),
    }
    reasons = error.reasons if isinstance(error, ConfirmationRequiredError) else ()
    if details := (*error.details, *reasons):
        body["details"] = [
            {
                name: _replace_surrogates(text)
                for name, text in payloads.list_fields(detail).items()
            }
            for detail in details
        ]
    return {"error": body}


def _replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which a message that quotes a client may hold."""
    return text.encode("utf-8", "replace").decode()


def build_error_headers(error: LeveredError) -> dict[str, str]:
    """Return the headers of an error response."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, error.retry_after))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def build_error_content(error: LeveredError) -> bytes:
    """Return the whole body of an error response, as JSON."""
    return to_json({**build_error_body(error), "meta": build_meta()})


def build_error_response(error: LeveredError) -> HttpResponse:
    """Return the response for an error, in the API error format."""
    return HttpResponse(
        build_error_content(error),
        JSON_CONTENT_TYPE,
        error.status,
        headers=build_error_headers(error),
    )


def json_view(
    *methods: str,
    any_origin: bool = False,
    query_parameters: Collection[str] | None = (),
) -> Callable[[View[P]], View[P]]:
    """Decorate a plain view: other methods get a 405, a LeveredError its response.

    Query parameters other than `query_parameters` get a 400; None lets all pass. With `any_origin`, EnvelopeMiddleware answers its CORS preflights and lets pages of
    any origin read all its responses, errors included.
    """

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def endpoint(
            request: HttpRequest, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse:
            if request.method not in methods:
                return _refuse_method(request, methods)
            try:
                if query_parameters is not None:
                    requests.refuse_unknown_parameters(request, query_parameters)
                return view(request, *args, **kwargs)
            except LeveredError as error:
                return build_error_response(error)

        if any_origin:
            cors.allow_any_origin(endpoint)
        return cast("View[P]", csrf_exempt(endpoint))

    return decorate


def _refuse_method(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    response = build_error_response(
        MethodNotAllowedError(f"{request.method} is not supported here.")
    )
    response["Allow"] = ", ".join(methods)
    return response
