"""The outermost API middleware: request ids, body limits, errors as JSON, counting."""

from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any
from urllib.parse import unquote

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import is_valid_path

from levered_site.api import (
    body_limits,
    cors_responses,
    exceptions,
    rate_limits,
    requests,
    response_headers,
    responses,
    throttles,
)
from levered_site.errors import (
    INTERNAL_ERROR_MESSAGE,
    BadRequestError,
    LeveredError,
    MethodNotAllowedError,
    NotFoundError,
)

log = structlog.get_logger(__name__)

API_PREFIX = "/api/v2/"
SOME_ID = "3f2b8c1e-6f0d-4a55-9a1c-0d5f1f0e7a11"
MAX_PATH_LENGTH, MAX_PATH_PARTS = 200, 10  # of what is said of an unknown path
API_PATH_PARTS = 2  # of the prefix /api/v2
# What stands in paths, and how to say that a part is not that.
WORDS_BY_EXAMPLE = {
    SOME_ID: f"an id: ids are UUIDs, such as {SOME_ID}",
    "1": "a number",
}
DOCUMENTATION_PATH = "/api/v2/docs"
DOCUMENTATION_NEIGHBORS = ("/api/v2", "/api", DOCUMENTATION_PATH)
ADMIN_PREFIXES = ("/admin",)
PAGE_PREFIXES = (*ADMIN_PREFIXES, "/shared/")  # for people, with their own error pages
# Attributes that Django's middleware for log-ins and messages sets.
CIRCLES = ("user", "auser", "_messages")
# Code and message for errors that Django or inner middleware answered in HTML or text.
ERRORS_BY_STATUS: dict[int, tuple[str, str]] = {
    400: ("bad_request", exceptions.UNREADABLE_MESSAGE),
    403: ("forbidden", exceptions.FORBIDDEN_MESSAGE),
    413: ("payload_too_large", exceptions.TOO_LARGE_MESSAGE),
    415: ("unsupported_media_type", "The media type of the body is not supported."),
    503: ("unavailable", "The service is unavailable; try again in a moment."),
}


class EnvelopeMiddleware:
    """Give every response a request id, and every error the API error format."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request."""
        request_id = requests.assign_request_id(
            request.META.get("HTTP_X_REQUEST_ID", "")
        )
        try:
            body_limits.refuse_chunked(request)
            _refuse_nul(request)
            response = self.get_response(request)
        except LeveredError as error:
            response = responses.build_error_response(error)
        if _needs_envelope(request, response):
            response = _build_enveloped_error(request, response)
        response = _count_request(request, response)
        if _is_passed_preflight(request, response):
            response = cors_responses.build_preflight_response(request)
        response["X-Request-Id"] = request_id
        _add_response_headers(request, response)
        _forget_circles(request)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        _args: Any,
        _kwargs: Any,
    ) -> HttpResponse | None:
        """Reject a body that its endpoint does not read, before anything reads it."""
        vars(request)["endpoint"] = view
        if _is_page(request):
            return None
        if cors_responses.is_open_preflight(request):
            return cors_responses.build_preflight_response(request)
        try:
            limit = body_limits.get_body_limit(view, request.method or "")
            body_limits.refuse_too_large(request, limit)
            body_limits.refuse_encoded(request, view)
        except LeveredError as error:
            return responses.build_error_response(error)
        return None

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer an exception of a view. Log an unexpected one and answer 500."""
        if _is_page(request):
            return None
        error = exceptions.translate_exception(exception)
        if error is None:
            log.error("request.failed", path=request.path, exc_info=exception)
            error = LeveredError(INTERNAL_ERROR_MESSAGE)
        return responses.build_error_response(error)


def _forget_circles(request: HttpRequest) -> None:
    """Remove what refers back to the request, so that its body is freed with it."""
    for name in CIRCLES:
        vars(request).pop(name, None)


def _is_passed_preflight(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether a preflight passes that no inner middleware has let pass."""
    return cors_responses.is_open_preflight(request) and (
        cors_responses.find_readable(request) == "all"
        or not response.has_header("Access-Control-Allow-Origin")
    )


def _is_page(request: HttpRequest) -> bool:
    return request.path_info.startswith(PAGE_PREFIXES)


def _count_request(
    request: HttpRequest, response: HttpResponseBase
) -> HttpResponseBase:
    """Count a request that no endpoint counted: unknown path, body over its limit."""
    is_preflight = request.method == "OPTIONS"
    if is_preflight or not request.path_info.startswith(API_PREFIX):
        return response
    if rate_limits.was_counted(request):
        return response
    try:
        throttles.count_by_address(request)
    except LeveredError as error:
        return _copy_headers(response, responses.build_error_response(error))
    return response


def _refuse_nul(request: HttpRequest) -> None:
    """Raise BadRequestError on a NUL in the URL: the database cannot look it up."""
    query = request.META.get("QUERY_STRING", "")
    if "\0" in request.path_info or "\0" in unquote(query):
        raise BadRequestError("The URL must not contain a NUL character.")


def _needs_envelope(request: HttpRequest, response: HttpResponseBase) -> bool:
    return (
        response.status_code >= 400
        and not _is_page(request)
        and not response.get("Content-Type", "").startswith(responses.JSON_CONTENT_TYPE)
    )


def _build_enveloped_error(
    request: HttpRequest, response: HttpResponseBase
) -> HttpResponse:
    enveloped = responses.build_error_response(
        _build_error_for_status(request, response.status_code)
    )
    enveloped.status_code = response.status_code
    return _copy_headers(response, enveloped)


def _copy_headers(old: HttpResponseBase, new: HttpResponse) -> HttpResponse:
    """Copy headers that inner middleware set on the replaced response, such as CORS."""
    for name, value in old.items():
        if name.lower() != "content-length" and name not in new:
            new[name] = value
    return new


def _build_error_for_status(request: HttpRequest, status: int) -> LeveredError:
    if status == 404:
        return NotFoundError(_describe_unknown_path(request.path_info))
    if status == 405:
        return MethodNotAllowedError(f"{request.method} is not supported here.")
    if status >= 500 and status != 503:
        return LeveredError(INTERNAL_ERROR_MESSAGE)
    code, message = ERRORS_BY_STATUS.get(status, ERRORS_BY_STATUS[400])
    error = LeveredError(message)
    error.code = code
    return error


def _describe_unknown_path(path: str) -> str:
    """Return why there is no endpoint at a path: perhaps for an id that is none."""
    parts = path[:MAX_PATH_LENGTH].split("/")
    for wrong in _list_suspects(parts):
        for words in product(WORDS_BY_EXAMPLE, repeat=len(wrong)):
            examples = dict(zip(wrong, words, strict=True))
            if is_valid_path(
                "/".join(examples.get(index, part) for index, part in enumerate(parts))
            ):
                first = wrong[0]
                return f"`{parts[first]}` is not {WORDS_BY_EXAMPLE[examples[first]]}."
    message = f"There is no endpoint at {path[:MAX_PATH_LENGTH]}."
    if path.rstrip("/") in DOCUMENTATION_NEIGHBORS:
        message += f" The documentation is at {DOCUMENTATION_PATH}."
    return message


def _list_suspects(parts: Sequence[str]) -> list[tuple[int, ...]]:
    """List the indexes of parts that may be wrong ids: of one part, then of two.

    No two ids are neighbors. A path longer than every endpoint's is tried for one only.
    """
    indexes = [index for index, part in enumerate(parts[:MAX_PATH_PARTS]) if part]
    singles: list[tuple[int, ...]] = [(index,) for index in indexes]
    if len(parts) > MAX_PATH_PARTS:
        return singles
    own = indexes[API_PATH_PARTS:]
    return singles + [(a, b) for a, b in combinations(own, 2) if b - a > 1]


def _add_response_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    usage = rate_limits.read_usage(request)
    if usage is not None:
        for name, value in usage.build_headers().items():
            response[name] = value
    # An answer from here has not passed through Django's middleware.
    for name, value in response_headers.build_security_headers(
        is_secure=request.is_secure()
    ):
        response.setdefault(name, value)
    cors_responses.add_cors_headers(request, response)
