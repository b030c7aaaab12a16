"""What can go wrong, as the contract names it: a code, a status, a sentence. Pure Python."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One invalid field: its dotted path in the request, and what would be right."""

    field: str
    message: str


class LeveredError(Exception):
    """A failure that a client may read. Children fix `code` and `status`."""

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


class BadRequestError(LeveredError):
    """The request could not be read: broken JSON, a wrong encoding."""

    code, status = "bad_request", 400


class InvalidParametersError(LeveredError):
    """The request was read, and a field of it is not acceptable."""

    code, status = "invalid_parameters", 400

    @classmethod
    def for_field(cls, field: str, message: str) -> "InvalidParametersError":
        """Refuse one field."""
        return cls(f"{field}: {message}", (FieldProblem(field, message),))


class UnauthorizedError(LeveredError):
    """Nobody is asking: no token, or one that does not hold."""

    code, status = "unauthorized", 401


class ForbiddenError(LeveredError):
    """Somebody known is asking, who may not."""

    code, status = "forbidden", 403


class NotFoundError(LeveredError):
    """There is no such thing for this caller."""

    code, status = "not_found", 404


class MethodNotAllowedError(LeveredError):
    """The path is there, the verb is not."""

    code, status = "method_not_allowed", 405


class ConflictError(LeveredError):
    """The state of the resource forbids it."""

    code, status = "conflict", 409


class LengthRequiredError(LeveredError):
    """A body without Content-Length, which the server cannot read."""

    code, status = "bad_request", 411


class PreconditionFailedError(LeveredError):
    """If-Match named an older state."""

    code, status = "precondition_failed", 412


class PayloadTooLargeError(LeveredError):
    """The body is over the limit of its endpoint."""

    code, status = "payload_too_large", 413


class UnsupportedMediaTypeError(LeveredError):
    """The body is not of a kind that the endpoint reads."""

    code, status = "unsupported_media_type", 415


class RateLimitedError(LeveredError):
    """Too many requests; `retry_after` says when to come back, in seconds."""

    code, status = "rate_limited", 429


class WarehouseError(LeveredError):
    """The customer's warehouse refused: its own message, credentials removed."""

    code, status = "warehouse_error", 502


class UnavailableError(LeveredError):
    """Not now; a retry may succeed."""

    code, status = "unavailable", 503
