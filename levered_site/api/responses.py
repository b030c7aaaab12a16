"""The one shape of all answers, for whoever makes one without a DRF view."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from levered_site.api import requests
from levered_site.errors import LeveredError, MethodNotAllowedError

P = ParamSpec("P")
Response = TypeVar("Response", bound=HttpResponseBase)
View: TypeAlias = Callable[Concatenate[HttpRequest, P], HttpResponse]

JSON_CONTENT_TYPE = "application/json"
_JSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_OMIT_MICROSECONDS


def to_json(document: Any) -> bytes:
    """Write JSON: times as `2026-03-28T14:22:00Z`, UUIDs as text."""
    return orjson.dumps(document, option=_JSON_OPTIONS)


def build_meta(organization_id: str | None = None) -> dict[str, str]:
    """Say which request this answers, and for which organization."""
    found = {"request_id": requests.get_request_id()}
    if organization_id is not None:
        found["organization_id"] = organization_id
    return found


def build_success_response(
    payload: Mapping[str, Any],
    *,
    organization_id: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Answer with the resource's fields at top level, `meta` beside them, last."""
    content = to_json({**payload, "meta": build_meta(organization_id)})
    return HttpResponse(content, JSON_CONTENT_TYPE, status, headers=headers)


def build_error_body(error: LeveredError) -> dict[str, Any]:
    """Put an error into the contract's words (without `meta`)."""
    body: dict[str, Any] = {
        "code": error.code,
        "message": _replace_surrogates(error.message),
    }
    if error.details:
        body["details"] = [
            {
                "field": _replace_surrogates(problem.field),
                "message": _replace_surrogates(problem.message),
            }
            for problem in error.details
        ]
    return {"error": body}


def _replace_surrogates(text: str) -> str:
    """Replace lone surrogates: a message may quote what a client sent."""
    return text.encode("utf-8", "replace").decode()


def build_error_headers(error: LeveredError) -> dict[str, str]:
    """Name the headers that an error brings with it."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, error.retry_after))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def build_error_response(error: LeveredError) -> HttpResponse:
    """Answer with an error in the contract's shape."""
    content = to_json({**build_error_body(error), "meta": build_meta()})
    return HttpResponse(
        content, JSON_CONTENT_TYPE, error.status, headers=build_error_headers(error)
    )


def allow_any_origin(response: Response) -> Response:
    """Let a page of any site read this answer (no cookies are involved)."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = (
        "X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, "
        "RateLimit-Reset"
    )
    return response


def build_preflight_response(methods: Sequence[str]) -> HttpResponse:
    """Answer a browser that asks whether a page of another site may send this."""
    response = allow_any_origin(HttpResponse(status=204))
    response["Access-Control-Allow-Methods"] = ", ".join(methods)
    response["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
    response["Access-Control-Max-Age"] = "86400"
    return response


def json_view(*methods: str, any_origin: bool = False) -> Callable[[View[P]], View[P]]:
    """Make a plain function an endpoint: other methods are 405, LeveredErrors answers.

    With `any_origin` it answers preflights itself, and EnvelopeMiddleware opens every
    answer of it, refusals included, to pages of any site.
    """

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def endpoint(
            request: HttpRequest, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse:
            if request.method not in methods:
                return _refuse_method(request, methods, any_origin=any_origin)
            try:
                return view(request, *args, **kwargs)
            except LeveredError as error:
                return build_error_response(error)

        vars(endpoint)["any_origin"] = any_origin
        return cast("View[P]", csrf_exempt(endpoint))

    return decorate


def _refuse_method(
    request: HttpRequest, methods: Sequence[str], *, any_origin: bool
) -> HttpResponse:
    if any_origin and request.method == "OPTIONS":
        return build_preflight_response(methods)
    refusal = build_error_response(
        MethodNotAllowedError(f"{request.method} is not supported here.")
    )
    refusal["Allow"] = ", ".join(methods)
    return refusal
