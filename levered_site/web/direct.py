"""Answer some requests in the protocol itself, without a task and without ASGI messages.

A function of the application, a DirectAnswer, is asked first for each request whose body
arrives together with its head. This relies on parts of uvicorn that are not public, so
uvicorn's version is pinned.
"""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeAlias, cast

from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from levered_site.web.asgi_types import Scope
from levered_site.web.connections import ConnectionTable
from levered_site.web.protocol import ProtocolLimits, WebProtocol


class DirectResponse(NamedTuple):
    """A response: its status, then all that follows the status line and the date.

    `rest` holds the header lines, an empty line and the body.
    """

    status: int
    rest: bytes


Later: TypeAlias = Coroutine[Any, Any, DirectResponse]
# Returns the response, a coroutine that returns it, or None: ask the application.
DirectAnswer: TypeAlias = Callable[[Scope, bytes], DirectResponse | Later | None]


class DirectProtocol(WebProtocol):
    """A connection whose plain requests are answered directly."""

    # Set by build_direct_class.
    answer_directly: DirectAnswer
    _is_parsing = False
    _waiting: tuple[RequestResponseCycle, ASGI3Application] | None = None

    @override
    def data_received(self, data: bytes) -> None:
        self._is_parsing = True
        super().data_received(data)
        self._is_parsing = False
        if self._waiting is not None:  # its body is not complete
            cycle, application = self._waiting
            self._waiting = None
            super()._start_asgi_task(cycle, application)

    @override
    def _start_asgi_task(
        self, cycle: RequestResponseCycle, app: ASGI3Application
    ) -> None:
        may_wait = self._is_parsing and cycle.more_body and cycle.keep_alive
        if may_wait and not cycle.waiting_for_100_continue:
            self._waiting = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._waiting is None:
            return
        cycle, application = self._waiting
        self._waiting = None
        scope = cast("Scope", cycle.scope)
        response = self.answer_directly(scope, bytes(cycle.body))
        if response is None:
            super()._start_asgi_task(cycle, application)
        elif isinstance(response, DirectResponse):
            self._write_response(cycle, response)
        else:
            task = self.loop.create_task(self._write_later(cycle, response))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)

    async def _write_later(self, cycle: RequestResponseCycle, later: Later) -> None:
        self._write_response(cycle, await later)

    def _write_response(
        self, cycle: RequestResponseCycle, response: DirectResponse
    ) -> None:
        cycle.response_started = cycle.response_complete = True
        if cycle.disconnected:
            return
        date = b"".join(
            b"%s: %s\r\n" % header for header in self.server_state.default_headers
        )
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        self.transport.write(
            STATUS_LINE[response.status] + date + close + response.rest
        )
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


def build_direct_class(
    table: ConnectionTable, limits: ProtocolLimits, answer_directly: DirectAnswer
) -> type[WebProtocol]:
    """Return the protocol with the limits of a process, and what it answers itself."""
    attributes = {
        "table": table,
        "limits": limits,
        "answer_directly": staticmethod(answer_directly),
    }
    return type("LimitedDirectProtocol", (DirectProtocol,), attributes)
