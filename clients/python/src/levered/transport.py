"""Send requests over httpx, each within its time."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from levered.errors import LateError, NetworkError
from levered.exchange import Answer, Request

BASE_PATH = "/api/v2"
USER_AGENT = "levered-python/0.1.0"
CREDENTIAL = "Authorization"
KEY_PREFIX = "lev_"


@dataclass(frozen=True, slots=True)
class Service:
    """Where to send requests, and as whom. `url` has neither `/api/v2` nor a slash."""

    url: str
    credential: str = field(default="", repr=False)
    timeout: float = 2.0


def parse_url(url: str) -> str:
    """Return an address without `/api/v2` and slashes at its end.

    Raise ValueError unless it begins with http:// or https://.
    """
    parsed = httpx.URL(url)
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(
            f"the address must begin with http:// or https://; got {url!r}"
        )
    return url.rstrip("/").removesuffix(BASE_PATH).rstrip("/")


class _Deadline(dict[str, float]):
    """The timeouts of a request's phases: whatever is left of one time for all."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._until = time.monotonic() + timeout

    def get(self, name: object, default: Any = None) -> Any:  # noqa: ARG002  # the name of dict.get
        """Return the seconds that are left, for every phase."""
        return max(0.001, self._until - time.monotonic())

    def check(self) -> None:
        """Raise LateError if the time is over."""
        if time.monotonic() > self._until:
            raise LateError(self.timeout)


class Transport:
    """Sends requests from threads."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._http = httpx.Client(base_url=service.url, timeout=service.timeout)

    def send(self, request: Request, timeout: float | None = None) -> Answer:
        """Return the answer of any status. Raise NetworkError if there is none in time."""
        deadline = _Deadline(timeout or self._service.timeout)
        if request.delay:
            time.sleep(min(request.delay, deadline.get("delay")))
            deadline.check()
        arguments = _build_arguments(request, self._service.credential)
        arguments["extensions"] = {"timeout": deadline}
        try:
            built = self._http.build_request(**arguments)
            response = self._http.send(built, stream=True)
            try:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    deadline.check()
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise LateError(deadline.timeout) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _build_failure(error) from error
        return _read_answer(response, bytes(content))

    def close(self) -> None:
        """Close all connections."""
        self._http.close()


class AsyncTransport:
    """Sends requests from an event loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._http = httpx.AsyncClient(base_url=service.url, timeout=service.timeout)

    async def send(self, request: Request, timeout: float | None = None) -> Answer:  # noqa: ASYNC109  # the deadline of one request
        """Return the answer of any status. Raise NetworkError if there is none in time."""
        seconds = timeout or self._service.timeout
        arguments = _build_arguments(request, self._service.credential)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.sleep(request.delay)
                response = await self._http.request(**arguments, timeout=seconds)
        except TimeoutError as error:
            raise LateError(seconds) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _build_failure(error) from error
        return _read_answer(response, response.content)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def _build_arguments(request: Request, credential: str) -> dict[str, Any]:
    headers = {"User-Agent": USER_AGENT, **request.headers}
    if credential and not (request.is_public and _is_token(credential)):
        headers.setdefault(CREDENTIAL, f"Bearer {credential}")
    content = request.content
    if request.body is not None:
        # A lone surrogate is no text: encode() refuses it.
        text = json.dumps(request.body, ensure_ascii=False, allow_nan=False)
        content = text.encode()
        headers["Content-Type"] = "application/json"
    return {
        "method": request.method,
        "url": request.path,
        "params": request.params or None,
        "headers": headers,
        "content": content,
    }


def _is_token(credential: str) -> bool:
    return not credential.startswith(KEY_PREFIX)


def _build_failure(error: Exception) -> NetworkError:
    return NetworkError(
        f"the service cannot be reached: {str(error) or type(error).__name__}"
    )


def _read_answer(response: httpx.Response, content: bytes) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, content)
