"""How resources call the API: from threads or from an event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

from levered.exchange import Answer, Request, run_flow, run_flow_async
from levered.management.calls import (
    PAGE_SIZE,
    build_request,
    call,
    next_page,
    read_document,
)


class Api:
    """Calls from threads."""

    def __init__(self, send: Callable[[Request], Answer]) -> None:
        self._send = send

    def get(self, path: str, **params: object) -> Any:
        """Return a document."""
        return self.call(build_request("GET", path, params=params))

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """Send a document; return the answer's. An underscore in a header is a hyphen."""
        return self.call(build_request("POST", path, body, headers=_spell(headers)))

    def patch(self, path: str, body: object) -> Any:
        """Change a document; return it."""
        return self.call(build_request("PATCH", path, body))

    def put(self, path: str, body: object) -> Any:
        """Put a document; return it."""
        return self.call(build_request("PUT", path, body))

    def delete(self, path: str) -> Any:
        """Delete a resource."""
        return self.call(build_request("DELETE", path))

    def call(self, request: Request) -> Any:
        """Return the document of an answer."""
        return read_document(self.exchange(request))

    def exchange(self, request: Request) -> Answer:
        """Return the answer of a success. Raise ApiError or NetworkError."""
        return run_flow(call(request), self._send)

    def iterate(self, path: str, rows: str, **params: object) -> Iterator[Any]:
        """Yield the rows of all pages."""
        params = {"limit": PAGE_SIZE, **params}
        request: Request | None = build_request("GET", path, params=params)
        while request is not None:
            page = self.call(request)
            yield from page[rows]
            request = next_page(request, page)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class AsyncApi:
    """Calls from an event loop."""

    def __init__(self, send: Callable[[Request], Awaitable[Answer]]) -> None:
        self._send = send

    async def get(self, path: str, **params: object) -> Any:
        """Return a document."""
        return await self.call(build_request("GET", path, params=params))

    async def post(self, path: str, body: object = None, **headers: str) -> Any:
        """Send a document; return the answer's. An underscore in a header is a hyphen."""
        request = build_request("POST", path, body, headers=_spell(headers))
        return await self.call(request)

    async def patch(self, path: str, body: object) -> Any:
        """Change a document; return it."""
        return await self.call(build_request("PATCH", path, body))

    async def put(self, path: str, body: object) -> Any:
        """Put a document; return it."""
        return await self.call(build_request("PUT", path, body))

    async def delete(self, path: str) -> Any:
        """Delete a resource."""
        return await self.call(build_request("DELETE", path))

    async def call(self, request: Request) -> Any:
        """Return the document of an answer."""
        return read_document(await self.exchange(request))

    async def exchange(self, request: Request) -> Answer:
        """Return the answer of a success. Raise ApiError or NetworkError."""
        return await run_flow_async(call(request), self._send)

    async def iterate(
        self, path: str, rows: str, **params: object
    ) -> AsyncIterator[Any]:
        """Yield the rows of all pages."""
        params = {"limit": PAGE_SIZE, **params}
        request: Request | None = build_request("GET", path, params=params)
        while request is not None:
            page = await self.call(request)
            for row in page[rows]:
                yield row
            request = next_page(request, page)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def _spell(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
