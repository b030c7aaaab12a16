"""The errors of the API: each has a code, a status and a message. Pure Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

# The message of every unexpected failure, over HTTP and MCP.
INTERNAL_ERROR_MESSAGE = (
    "Something went wrong on our side. The request id says what to ask about."
)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """An invalid field: its dotted path in the request, and what is valid."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class ReasonToConfirm:
    """Why a request needs a confirmation, in plain words, and what to do instead."""

    code: str
    message: str
    next: str


class LeveredError(Exception):
    """An error with a message for the client. Subclasses set `code` and `status`."""

    code = "internal_error"
    status = 500

    def __init__(
        self,
        message: str,
        details: Sequence[FieldProblem] = (),
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.retry_after = retry_after


class InvalidItemError(ValueError):
    """One item of a batch is invalid: the name of the field, and what it must be.

    The batch is answered all the same; the item is rejected by its index and `code`.
    """

    code = "invalid_parameters"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class ForbiddenItemError(InvalidItemError):
    """One item of a batch names what is not the organization's."""

    code = "forbidden"


class ConflictItemError(InvalidItemError):
    """One item of a batch contradicts what is stored."""

    code = "conflict"


E = TypeVar("E", bound=Exception)


def forget_trace(error: E) -> E:
    """Return an error that is kept, without the frames that it has passed.

    The frames hold the whole batch, and the list of its errors. In a cycle with them the
    batch would stay until the garbage collector looks, which large texts do not prompt.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class BadRequestError(LeveredError):
    """The request could not be read, as with invalid JSON."""

    code, status = "bad_request", 400


class InvalidParametersError(LeveredError):
    """A field or parameter of the request is invalid."""

    code, status = "invalid_parameters", 400

    @classmethod
    def for_field(cls, field: str, message: str) -> Self:
        """Return the error of one field."""
        return cls(f"{field}: {message}", (FieldProblem(field, message),))


class QueryRefusedError(InvalidParametersError):
    """A query does not fit what the warehouse holds now; it may fit later."""


class UnauthorizedError(LeveredError):
    """The credentials are missing or invalid (401)."""

    code, status = "unauthorized", 401


class ForbiddenError(LeveredError):
    """Authenticated but not allowed (403)."""

    code, status = "forbidden", 403


class NotFoundError(LeveredError):
    """The caller's organization has no such resource."""

    code, status = "not_found", 404


class MethodNotAllowedError(LeveredError):
    """The path exists, but not with this method."""

    code, status = "method_not_allowed", 405


class ConflictError(LeveredError):
    """The state of the resource does not allow the request."""

    code, status = "conflict", 409


class RequestTimeoutError(LeveredError):
    """The request did not arrive in time."""

    code, status = "bad_request", 408


class LengthRequiredError(LeveredError):
    """A body without Content-Length, which the server cannot read."""

    code, status = "bad_request", 411


class ConfirmationRequiredError(ConflictError):
    """The request does what the reasons advise against: it must be confirmed."""

    def __init__(self, message: str, reasons: Sequence[ReasonToConfirm]) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)


class PreconditionFailedError(LeveredError):
    """If-Match names an older version of the resource."""

    code, status = "precondition_failed", 412


class PayloadTooLargeError(LeveredError):
    """The body is larger than its endpoint reads."""

    code, status = "payload_too_large", 413


class UnsupportedMediaTypeError(LeveredError):
    """The endpoint does not read bodies of this media type."""

    code, status = "unsupported_media_type", 415


class HeadTooLargeError(LeveredError):
    """The request line and the headers are too large together."""

    code, status = "bad_request", 431


class RateLimitedError(LeveredError):
    """Too many requests; retry after `retry_after` seconds."""

    code, status = "rate_limited", 429


class WarehouseError(LeveredError):
    """The customer's warehouse failed; the message is its own, without credentials."""

    code, status = "warehouse_error", 502


class UnavailableError(LeveredError):
    """The service or a store is unavailable; a retry may succeed."""

    code, status = "unavailable", 503
