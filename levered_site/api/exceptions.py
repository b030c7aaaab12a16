"""DRF's exception handler: turn any exception into the API error format."""

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from levered_site.api import responses
from levered_site.errors import (
    BadRequestError,
    FieldProblem,
    ForbiddenError,
    InvalidParametersError,
    LeveredError,
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaTypeError,
)

log = structlog.get_logger(__name__)

BEARER_REQUIRED_MESSAGE = "Send a bearer token: `Authorization: Bearer …`."
FORBIDDEN_MESSAGE = "You may not do this."
TOO_LARGE_MESSAGE = "The body is too large."
UNREADABLE_MESSAGE = "The request could not be read."
NOT_FOUND_MESSAGE = "Your organization has no such resource; check the id."
DATABASE_UNAVAILABLE_MESSAGE = "The database is unavailable; try again in a moment."


def handle_exception(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Return the error response for an exception of a DRF view.

    None for an unexpected exception, which EnvelopeMiddleware answers.
    """
    error = translate_exception(exception)
    if isinstance(exception, drf.UnsupportedMediaType):
        error = UnsupportedMediaTypeError(_describe_media_types(context.get("view")))
    if error is None:
        return None
    return Response(
        responses.build_error_body(error),
        status=error.status,
        headers=responses.build_error_headers(error),
    )


def _describe_media_types(view: object) -> str:
    parsers = getattr(view, "parser_classes", ())
    media_types = " or ".join(parser.media_type for parser in parsers)
    return f"The Content-Type must be {media_types or 'application/json'} here."


def translate_exception(exception: BaseException) -> LeveredError | None:
    """Return the LeveredError for an exception of Django, DRF or the database.

    None for an unexpected exception: the caller logs it and answers 500.
    """
    if isinstance(exception, LeveredError):
        return exception
    if isinstance(exception, drf.APIException):
        return _translate_drf(exception)
    if isinstance(exception, (OperationalError, InterfaceError)):
        log.warning("database.away", error=str(exception))
        return UnavailableError(DATABASE_UNAVAILABLE_MESSAGE, retry_after=1)
    if isinstance(exception, DataError):
        # A serializer field should have rejected the value. The log shows which.
        log.warning("database.refused_value", exc_info=exception)
        return InvalidParametersError(
            "A value is outside the range that can be stored."
        )
    return _translate_django(exception)


def _translate_django(exception: BaseException) -> LeveredError | None:
    if isinstance(exception, Http404):
        return NotFoundError(NOT_FOUND_MESSAGE)
    if isinstance(exception, PermissionDenied):
        return ForbiddenError(str(exception) or FORBIDDEN_MESSAGE)
    if isinstance(exception, RequestDataTooBig):
        return PayloadTooLargeError(TOO_LARGE_MESSAGE)
    if isinstance(exception, (SuspiciousOperation, UnreadablePostError)):
        return BadRequestError(UNREADABLE_MESSAGE)
    return None


def _translate_drf(exception: drf.APIException) -> LeveredError:
    if isinstance(exception, drf.ValidationError):
        return build_validation_error(exception)
    if isinstance(exception, drf.Throttled):
        wait = getattr(exception, "wait", None) or 1
        return RateLimitedError("Too many requests.", retry_after=int(wait))
    if isinstance(exception, drf.NotAuthenticated):
        return UnauthorizedError(BEARER_REQUIRED_MESSAGE)
    error_types: dict[type[drf.APIException], type[LeveredError]] = {
        drf.ParseError: BadRequestError,
        drf.AuthenticationFailed: UnauthorizedError,
        drf.PermissionDenied: ForbiddenError,
        drf.NotFound: NotFoundError,
        drf.MethodNotAllowed: MethodNotAllowedError,
        drf.UnsupportedMediaType: UnsupportedMediaTypeError,
    }
    error_type = error_types.get(type(exception), BadRequestError)
    return error_type(str(exception.detail))


def build_validation_error(exception: drf.ValidationError) -> InvalidParametersError:
    """Return an error that names each invalid field by its dotted path: `a.b[0].c`."""
    problems = tuple(_iterate_problems(exception.detail, ""))
    if len(problems) == 1:
        return InvalidParametersError.for_field(problems[0].field, problems[0].message)
    names = ", ".join(problem.field for problem in problems[:5])
    more = ", …" if len(problems) > 5 else ""
    message = f"{len(problems)} fields are invalid: {names}{more}"
    return InvalidParametersError(message, problems)


def _iterate_problems(detail: Any, path: str) -> Iterator[FieldProblem]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _iterate_problems(inner, _join_path(path, key))
    elif isinstance(detail, (list, tuple)):
        for index, inner in enumerate(detail):
            # A list holds either messages about this field or a mapping per item.
            if isinstance(inner, (Mapping, list, tuple)):
                yield from _iterate_problems(inner, f"{path}[{index}]")
            else:
                yield FieldProblem(path or "body", str(inner))
    else:
        yield FieldProblem(path or "body", str(detail))


def _join_path(path: str, key: object) -> str:
    if key == "non_field_errors":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
