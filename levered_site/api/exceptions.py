"""From whatever was raised to the contract's error: the one handler that speaks."""

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

NOT_FOUND_MESSAGE = "There is no such thing here."
DATABASE_UNAVAILABLE_MESSAGE = "The database is away; try again in a moment."


def handle_exception(raised: Exception, context: dict[str, Any]) -> Response | None:
    """Answer for a DRF view; None leaves the unexpected to the middleware."""
    error = translate_exception(raised)
    if isinstance(raised, drf.UnsupportedMediaType):
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
    kinds = " or ".join(parser.media_type for parser in parsers)
    return f"The Content-Type must be {kinds or 'application/json'} here."


def translate_exception(raised: BaseException) -> LeveredError | None:
    """Put an exception of Django, DRF or the database into our words.

    None means that nobody expected it: the caller answers 500 and logs.
    """
    if isinstance(raised, LeveredError):
        return raised
    if isinstance(raised, drf.APIException):
        return _translate_drf(raised)
    if isinstance(raised, (OperationalError, InterfaceError)):
        log.warning("database.away", error=str(raised))
        return UnavailableError(DATABASE_UNAVAILABLE_MESSAGE, retry_after=1)
    if isinstance(raised, DataError):
        # The fields should have refused it; the store did. Logged, to be mended there.
        log.warning("database.refused_value", exc_info=raised)
        return InvalidParametersError("A value is outside what can be stored.")
    return _translate_django(raised)


def _translate_django(raised: BaseException) -> LeveredError | None:
    if isinstance(raised, Http404):
        return NotFoundError(NOT_FOUND_MESSAGE)
    if isinstance(raised, PermissionDenied):
        return ForbiddenError(str(raised) or "You may not do this.")
    if isinstance(raised, RequestDataTooBig):
        return PayloadTooLargeError("The body is too large.")
    if isinstance(raised, (SuspiciousOperation, UnreadablePostError)):
        return BadRequestError("The request could not be read.")
    return None


def _translate_drf(raised: drf.APIException) -> LeveredError:
    if isinstance(raised, drf.ValidationError):
        return build_validation_error(raised)
    if isinstance(raised, drf.Throttled):
        wait = getattr(raised, "wait", None) or 1
        return RateLimitedError("Too many requests.", retry_after=int(wait))
    kinds: dict[type[drf.APIException], type[LeveredError]] = {
        drf.ParseError: BadRequestError,
        drf.NotAuthenticated: UnauthorizedError,
        drf.AuthenticationFailed: UnauthorizedError,
        drf.PermissionDenied: ForbiddenError,
        drf.NotFound: NotFoundError,
        drf.MethodNotAllowed: MethodNotAllowedError,
        drf.UnsupportedMediaType: UnsupportedMediaTypeError,
    }
    kind = kinds.get(type(raised), BadRequestError)
    return kind(str(raised.detail))


def build_validation_error(raised: drf.ValidationError) -> InvalidParametersError:
    """Name each invalid field by its dotted path: `a.b[0].c`."""
    problems = tuple(_iterate_problems(raised.detail, ""))
    if len(problems) == 1:
        return InvalidParametersError.for_field(problems[0].field, problems[0].message)
    names = ", ".join(problem.field for problem in problems[:5])
    more = ", …" if len(problems) > 5 else ""
    message = f"{len(problems)} fields are not acceptable: {names}{more}"
    return InvalidParametersError(message, problems)


def _iterate_problems(detail: Any, path: str) -> Iterator[FieldProblem]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _iterate_problems(inner, _join_path(path, key))
    elif isinstance(detail, (list, tuple)):
        for index, inner in enumerate(detail):
            # A list holds messages of this field, or one mapping per item of it.
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
