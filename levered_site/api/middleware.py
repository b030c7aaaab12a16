"""The outermost middleware: request ids, and the one shape where no view gave it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from levered_site.api import (
    body_limits,
    exceptions,
    rate_limits,
    requests,
    responses,
    throttles,
)
from levered_site.errors import (
    BadRequestError,
    LeveredError,
    MethodNotAllowedError,
    NotFoundError,
)

log = structlog.get_logger(__name__)

API_PREFIX = "/api/v2/"
ADMIN_PREFIXES = ("/admin",)  # for people: these keep Django's own error pages
INTERNAL_ERROR_MESSAGE = (
    "Something went wrong on our side. The request id says what to ask about."
)
# What inner middleware or Django answered without a word of ours.
ERRORS_BY_STATUS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The request could not be read."),
    403: ("forbidden", "You may not do this."),
    413: ("payload_too_large", "The body is too large."),
    415: ("unsupported_media_type", "The body is not of a kind read here."),
    503: ("unavailable", "Not now; try again in a moment."),
}


class EnvelopeMiddleware:
    """Stands before everything else, so that every answer passes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request in the contract's shape."""
        request_id = requests.assign_request_id()
        try:
            body_limits.refuse_chunked(request)
            body_limits.refuse_encoded(request)
            _refuse_nul(request)
            response = self.get_response(request)
        except LeveredError as error:
            response = responses.build_error_response(error)
        if _needs_envelope(request, response):
            response = _build_enveloped_error(request, response)
        response = _count_request(request, response)
        response["X-Request-Id"] = request_id
        _add_response_headers(request, response)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        _args: Any,
        _kwargs: Any,
    ) -> HttpResponse | None:
        """Refuse bodies over the endpoint's limit before anything reads them."""
        vars(request)["endpoint"] = view
        if _is_admin_page(request):
            return None
        try:
            limit = body_limits.get_body_limit(view, request.method or "")
            body_limits.refuse_too_large(request, limit)
        except LeveredError as error:
            return responses.build_error_response(error)
        return None

    def process_exception(
        self, request: HttpRequest, raised: Exception
    ) -> HttpResponse | None:
        """Answer for a view that raised; what nobody expected is logged and a 500."""
        if _is_admin_page(request):
            return None
        error = exceptions.translate_exception(raised)
        if error is None:
            log.error("request.failed", path=request.path, exc_info=raised)
            error = LeveredError(INTERNAL_ERROR_MESSAGE)
        return responses.build_error_response(error)


def _is_admin_page(request: HttpRequest) -> bool:
    return request.path_info.startswith(ADMIN_PREFIXES)


def _count_request(
    request: HttpRequest, response: HttpResponseBase
) -> HttpResponseBase:
    """Count what no endpoint counted: an unknown path, a body refused unread."""
    asks_leave = request.method == "OPTIONS"
    if asks_leave or not request.path_info.startswith(API_PREFIX):
        return response
    if rate_limits.was_counted(request):
        return response
    try:
        throttles.count_by_address(request)
    except LeveredError as error:
        return _copy_headers(response, responses.build_error_response(error))
    return response


def _refuse_nul(request: HttpRequest) -> None:
    """No address of ours holds a NUL, and the database could not look one up."""
    query = request.META.get("QUERY_STRING", "")
    if "\0" in request.path_info or "\0" in unquote(query):
        raise BadRequestError("The address contains a NUL character.")


def _needs_envelope(request: HttpRequest, response: HttpResponseBase) -> bool:
    return (
        response.status_code >= 400
        and not _is_admin_page(request)
        and not response.get("Content-Type", "").startswith(responses.JSON_CONTENT_TYPE)
    )


def _build_enveloped_error(
    request: HttpRequest, response: HttpResponseBase
) -> HttpResponse:
    shaped = responses.build_error_response(
        _build_error_for_status(request, response.status_code)
    )
    shaped.status_code = response.status_code
    return _copy_headers(response, shaped)


def _copy_headers(old: HttpResponseBase, new: HttpResponse) -> HttpResponse:
    """Keep what inner middleware said of the answer that is replaced, such as CORS."""
    for name, value in old.items():
        if name.lower() != "content-length" and name not in new:
            new[name] = value
    return new


def _build_error_for_status(request: HttpRequest, status: int) -> LeveredError:
    if status == 404:
        return NotFoundError(f"Nothing is at {request.path[:200]}.")
    if status == 405:
        return MethodNotAllowedError(f"{request.method} is not supported here.")
    if status >= 500 and status != 503:
        return LeveredError(INTERNAL_ERROR_MESSAGE)
    code, message = ERRORS_BY_STATUS.get(status, ERRORS_BY_STATUS[400])
    error = LeveredError(message)
    error.code = code
    return error


def _add_response_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    usage = rate_limits.read_usage(request)
    if usage is not None:
        for name, value in usage.headers().items():
            response[name] = value
    if getattr(getattr(request, "endpoint", None), "any_origin", False):
        responses.allow_any_origin(response)
