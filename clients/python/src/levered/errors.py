"""What can go wrong between an application and the service."""

from collections.abc import Mapping, Sequence
from typing import Any


class LeveredError(Exception):
    """The base of all errors of this package.

    `code` is that of the service, such as `conflict`, where it refused.
    """

    code = ""


class NetworkError(LeveredError):
    """The service could not be reached, or did not answer in time."""


class LateError(NetworkError):
    """The service did not answer in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {round(seconds, 2):g} s")


class UnusableAnswerError(LeveredError):
    """Something answered, but not as the service does: a proxy, a hotel's network."""


class PolicyError(LeveredError):
    """There is no policy to decide by: not signed, not live, or not to be had now."""


class RefusedError(LeveredError):
    """The service refused one of several decisions; the others it made."""

    def __init__(self, optimization_id: str, code: str, message: str) -> None:
        super().__init__(f"{optimization_id}: {code}: {message}")
        self.optimization_id = optimization_id
        self.code = code
        self.message = message


class ApiError(LeveredError):
    """The service refused.

    `details` names each invalid field; of a 409 that asks for `confirm`, it has the
    reasons to hesitate. `retry_after` is in seconds, 0 where the service said nothing.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        details: Sequence[Mapping[str, Any]] = (),
        request_id: str = "",
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(f"the service answered {status}: {message}")
        self.status = status
        self.message = message
        self.code = code
        self.details = list(details)
        self.request_id = request_id
        self.retry_after = retry_after
