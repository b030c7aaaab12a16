"""Answer some requests in the protocol itself, without a task and without ASGI messages.

A function of the application, a HeadReader, is asked first for each request whose body
arrives together with its head. Where a connection repeats a head, which programs do, it is
neither parsed nor read again. This relies on parts of uvicorn that are not public, so
uvicorn's version is pinned.
"""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeAlias, cast

from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from levered_site.web.asgi_types import Headers, Scope
from levered_site.web.connections import ConnectionTable
from levered_site.web.protocol import ProtocolLimits, WebProtocol, do_nothing
from levered_site.web.repeated_head import RepeatedHead, find_repeatable_head

# A connection that has sent so many heads in a row which were all different will not
# repeat the next one either.
MAX_TRIES = 8


class DirectResponse(NamedTuple):
    """A response: its status, then all that follows the status line and the date.

    `rest` holds the header lines, an empty line and the body.
    """

    status: int
    rest: bytes


Later: TypeAlias = Coroutine[Any, Any, DirectResponse]
# Answers a body: the response, a coroutine that returns it, or None: ask the application.
BodyAnswer: TypeAlias = Callable[[bytes], DirectResponse | Later | None]
# Reads a head; returns what answers the bodies that come with it, or None as above. It may
# not depend on the Content-Length.
HeadReader: TypeAlias = Callable[[Scope], BodyAnswer | None]


class _Answered(NamedTuple):
    """A request that was answered directly, and what answered it."""

    cycle: RequestResponseCycle
    answer: BodyAnswer


class _DateLine:
    """The headers that uvicorn renews once a second, as lines."""

    def __init__(self) -> None:
        self._headers: Headers = []
        self._lines = b""

    def encode(self, headers: Headers) -> bytes:
        if headers is not self._headers:
            self._headers = headers
            self._lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        return self._lines


_date_line = _DateLine()


class DirectProtocol(WebProtocol):
    """A connection whose plain requests are answered directly."""

    # Set by build_direct_class.
    read_head: HeadReader
    _is_parsing = False
    _waiting: tuple[RequestResponseCycle, ASGI3Application] | None = None
    _answered: _Answered | None = None
    # The head that may come again, and the request that it came with.
    _repeated: tuple[RepeatedHead, _Answered] | None = None
    _tries_left = MAX_TRIES

    @override
    def data_received(self, data: bytes) -> None:
        is_between = self.is_between_requests()
        if is_between and self._answer_repeated(data):
            return
        self._is_parsing = True
        super().data_received(data)
        self._is_parsing = False
        if self._waiting is not None:  # its body is not complete
            cycle, application = self._waiting
            self._waiting = None
            super()._start_asgi_task(cycle, application)
        answered, self._answered = self._answered, None
        if is_between and answered is not None and answered.cycle.keep_alive:
            self._remember_head(data, answered)

    def _remember_head(self, data: bytes, answered: _Answered) -> None:
        head = find_repeatable_head(data) if self._tries_left else None
        self._tries_left = max(0, self._tries_left - 1)
        if head is not None:
            answered.cycle.on_response = do_nothing  # it refers back to this connection
            self._repeated = head, answered

    def _answer_repeated(self, data: bytes) -> bool:
        """Answer if `data` is one whole request with the head that may come again.

        The request that the head came with first stands for the new one.
        """
        if self._repeated is None:
            return False
        head, (cycle, answer) = self._repeated
        body = head.find_body(data)
        response = None if body is None else answer(body)
        if response is None:
            return False
        self._tries_left = MAX_TRIES
        self.begin_again(cycle)
        self._respond(cycle, response)
        return True

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
        answer = self.read_head(cast("Scope", cycle.scope))
        response = None if answer is None else answer(bytes(cycle.body))
        if answer is None or response is None:
            super()._start_asgi_task(cycle, application)
        else:
            self._answered = _Answered(cycle, answer)
            self._respond(cycle, response)

    def _respond(
        self, cycle: RequestResponseCycle, response: DirectResponse | Later
    ) -> None:
        if isinstance(response, DirectResponse):
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
        date = _date_line.encode(self.server_state.default_headers)
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        self.transport.write(
            STATUS_LINE[response.status] + date + close + response.rest
        )
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


def build_direct_class(
    table: ConnectionTable, limits: ProtocolLimits, read_head: HeadReader
) -> type[WebProtocol]:
    """Return the protocol with the limits of a process, and what it answers itself."""
    attributes = {
        "table": table,
        "limits": limits,
        "read_head": staticmethod(read_head),
    }
    return type("LimitedDirectProtocol", (DirectProtocol,), attributes)
