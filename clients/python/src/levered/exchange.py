"""Requests and answers, and flows of them that know neither threads nor event loops.

A flow is a generator that yields requests and is sent their answers. It is written once
and run by the synchronous and the asynchronous client alike.
"""

import json
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from levered.errors import ApiError, NetworkError, UnusableAnswerError

T = TypeVar("T")
LONGEST_PAUSE = 3600.0
LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is below the address of the service; `body` becomes JSON.

    `content` is sent as it is, with the Content-Type of `headers`. `delay` is waited for
    before, in seconds. A public request is sent with an API key, never with a token.
    """

    method: str
    path: str
    body: Any = None
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    delay: float = 0.0
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of any status. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


Flow = Generator[Request, Answer, T]


def run_flow(flow: Flow[T], send: Callable[[Request], Answer]) -> T:
    """Run a flow to its end; return what it returns and raise what it raises."""
    try:
        request = next(flow)
        while True:
            try:
                answer = send(request)
            except NetworkError as error:
                request = flow.throw(error)
            else:
                request = flow.send(answer)
    except StopIteration as end:
        value: T = end.value
        return value


async def run_flow_async(
    flow: Flow[T], send: Callable[[Request], Awaitable[Answer]]
) -> T:
    """Run a flow to its end; return what it returns and raise what it raises."""
    try:
        request = next(flow)
        while True:
            try:
                answer = await send(request)
            except NetworkError as error:
                request = flow.throw(error)
            else:
                request = flow.send(answer)
    except StopIteration as end:
        value: T = end.value
        return value


def read_json(answer: Answer) -> Any:
    """Return the JSON of an answer. Raise UnusableAnswerError if it is none."""
    try:
        return json.loads(answer.content)
    except ValueError as error:
        raise UnusableAnswerError("the answer is not JSON") from error


def read_object(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer. Raise UnusableAnswerError if it is none."""
    document = read_json(answer)
    if not isinstance(document, dict):
        raise UnusableAnswerError("the answer is not a JSON object")
    return document


def read_retry_after(answer: Answer) -> float:
    """Return for how many seconds the service asks not to come again; at most an hour."""
    value = answer.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        seconds = _read_seconds_until(value)
    return min(LONGEST_PAUSE, max(0.0, seconds))


def _read_seconds_until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError):
        return 0.0


def build_error(answer: Answer) -> ApiError:
    """Return the error of an answer that is none of success."""
    try:
        error = read_object(answer)["error"]
        return ApiError(
            answer.status,
            str(error["message"]),
            code=str(error["code"]),
            details=error.get("details") or (),
            request_id=answer.headers.get("x-request-id", ""),
            retry_after=read_retry_after(answer),
        )
    except (UnusableAnswerError, KeyError, TypeError):
        text = answer.content[:LONGEST_MESSAGE].decode(errors="replace")
        return ApiError(answer.status, text, retry_after=read_retry_after(answer))
