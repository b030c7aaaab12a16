"""The bridge from ASGI to WSGI: bodies in the event loop, the application in threads."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import structlog

from levered_site.api.body_limits import read_gzip_size
from levered_site.errors import INTERNAL_ERROR_MESSAGE, LeveredError
from levered_site.web.asgi_types import Receive, Scope, Send
from levered_site.web.bodies import (
    SMALL_BODY,
    BodyMemory,
    ClientDisconnectedError,
    get_content_length,
    is_chunked,
    is_compressed,
    read_body,
)
from levered_site.web.large_body_gate import LargeBodyGate
from levered_site.web.refusals import CLOSE_HEADER, send_refusal
from levered_site.web.threads import ThreadStack
from levered_site.web.wsgi_call import WsgiApplication, WsgiResponse
from levered_site.web.wsgi_environ import build_environ

# No endpoint has a lower limit, so that smaller bodies need no look-up.
LOWEST_BODY_LIMIT = 16 * 1024

log = structlog.get_logger(__name__)


class LargeBodies(NamedTuple):
    """The limits of large bodies: bytes that are held, and that threads work on."""

    memory: BodyMemory
    gate: LargeBodyGate


class WsgiBridge:
    """An ASGI application that answers through a WSGI application.

    A thread is taken when the whole body is there, and is free again when the response
    is in memory. A client that disconnects does not stop the application.

    `threadless_paths` are answered in the event loop, because they never block: a
    liveness probe must be answered while all threads are busy.
    """

    def __init__(
        self,
        application: WsgiApplication,
        threads: ThreadStack,
        large_bodies: LargeBodies,
        find_body_limit: Callable[[Scope], int],
        body_seconds: float,
        threadless_paths: frozenset[str] = frozenset(),
    ) -> None:
        self._application = application
        self._threads = threads
        self._memory, self._gate = large_bodies
        self._find_body_limit = find_body_limit
        self._body_seconds = body_seconds
        self._threadless_paths = threadless_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            length = get_content_length(scope["headers"])
            if length <= SMALL_BODY:
                await self._answer_small(scope, receive, send, length)
            else:
                await self._answer_large(scope, receive, send, length)
        except ClientDisconnectedError:
            return
        except LeveredError as error:
            await send_refusal(scope, send, error)

    async def _answer_small(
        self, scope: Scope, receive: Receive, send: Send, length: int
    ) -> None:
        body = b""
        if length:
            if self._is_refused(scope, length):
                await self._send_response(scope, b"", send, is_unread=True)
                return
            body = await read_body(receive, length, self._body_seconds)
        await self._send_response(
            scope, body, send, is_unread=is_chunked(scope["headers"])
        )

    async def _answer_large(
        self, scope: Scope, receive: Receive, send: Send, length: int
    ) -> None:
        if self._is_refused(scope, length):
            await self._send_response(scope, b"", send, is_unread=True)
            return
        client, _ = scope["client"] or ("", 0)
        with self._memory.hold(client) as held:
            body = await read_body(receive, length, self._body_seconds, held)
            response = await self._call_in_turn(scope, body)
        await self._send_blocks(send, response)

    def _is_refused(self, scope: Scope, length: int) -> bool:
        """Return whether the application will refuse the length of the body."""
        return length > LOWEST_BODY_LIMIT and length > self._find_body_limit(scope)

    async def _send_response(
        self, scope: Scope, body: bytes, send: Send, *, is_unread: bool = False
    ) -> None:
        """Run the application in a thread and send its response.

        A body that is unread is one that the application refuses by its headers. The
        connection cannot be used after it.
        """
        response = await self._call_in_turn(scope, body)
        headers = response.headers
        if is_unread:
            headers.append(CLOSE_HEADER)
        await self._send_blocks(send, response)

    async def _send_blocks(self, send: Send, response: WsgiResponse) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": response.headers,
            }
        )
        while not response.is_complete:
            await _send_block(send, response, more=True)
            await self._threads.run(response.read_block)
        await _send_block(send, response, more=False)

    async def _call_in_turn(self, scope: Scope, body: bytes) -> WsgiResponse:
        """Call the application; a body that is or becomes large waits for its turn."""
        environ = build_environ(scope, body)
        size = self._measure(scope, body)
        if size <= SMALL_BODY:
            return await self._call_application(scope, environ)
        async with self._gate.admit(size):
            return await self._call_application(scope, environ)

    def _measure(self, scope: Scope, body: bytes) -> int:
        """Return the bytes of a body; of a compressed one those that come out of it."""
        if not body or not is_compressed(scope["headers"]):
            return len(body)
        inflated = min(read_gzip_size(body), self._find_body_limit(scope))
        return max(len(body), inflated)

    async def _call_application(
        self, scope: Scope, environ: dict[str, Any]
    ) -> WsgiResponse:
        call = partial(WsgiResponse, self._application, environ)
        try:
            if scope["path"] in self._threadless_paths:
                return call()
            return await self._threads.run(call)
        except LeveredError:
            raise
        except Exception as error:
            log.exception("request.failed", path=scope["path"])
            raise LeveredError(INTERNAL_ERROR_MESSAGE) from error


async def _send_block(send: Send, response: WsgiResponse, *, more: bool) -> None:
    await send(
        {"type": "http.response.body", "body": response.block, "more_body": more}
    )
