"""uvicorn's HTTP/1.1 protocol with limits that slow or greedy clients run into."""

import asyncio
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import httptools
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from levered_site.errors import (
    BadRequestError,
    LeveredError,
    RequestTimeoutError,
    UnavailableError,
)
from levered_site.web.bodies import BODY_ARRIVED, get_content_length, is_chunked
from levered_site.web.connections import ConnectionTable, Peer
from levered_site.web.inspection import Inspection
from levered_site.web.refusals import encode_refusal
from levered_site.web.request_head import (
    RequestHead,
    build_head_error,
    measure_head,
)
from levered_site.web.transport import GuardedTransport

INVALID_MESSAGE = "The request is not valid HTTP/1.1."
# Requests that wait on a connection for the responses before them.
MAX_PIPELINED = 32
# How long a process that stops waits for requests that clients have already sent.
LAST_REQUEST_SECONDS = 0.5
# How long a process that is replaced keeps a connection without a request.
RETIRED_IDLE_SECONDS = 10


class _StopParsingError(Exception):
    """Tells the parser to stop."""


@dataclass(frozen=True, slots=True)
class ProtocolLimits:
    """Seconds for the head of a request, and for a client that reads nothing."""

    head_seconds: float
    write_seconds: float


class WebProtocol(HttpToolsProtocol):
    """One connection. The server calls `check` about once a second."""

    # Set by build_protocol_class.
    table: ConnectionTable
    limits: ProtocolLimits
    # Set by the server.
    inspection: Inspection

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head = RequestHead(self.loop.time() + self.limits.head_seconds)
        self._chunk_size = 0
        self._has_ended_request = False  # in the latest chunk
        self._latest_cycle: RequestResponseCycle | None = None
        self._plain_body_left = 0
        self._refusal: LeveredError | None = None
        self._is_discarding = False
        self._is_stopping = False
        self._peer: Peer | None = None
        self._idle_since = self.loop.time()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._guarded = GuardedTransport(
            cast("asyncio.Transport", transport),
            self._has_unread_input,
            self._note_left_unread,
            self.limits.write_seconds,
        )
        super().connection_made(self._guarded)
        self._peer = self.table.admit(self._get_address())
        if self._peer is None:
            message = "Too many connections from your address; close some of them."
            self._refuse(UnavailableError(message, retry_after=1))
        else:
            self._peer.idle[self] = None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._peer is not None:
            self._peer.idle.pop(self, None)
            self.table.remove(self._get_address(), self._peer)
            self._peer = None
        self._break_cycles()

    def _break_cycles(self) -> None:
        """Let go of what refers back to this connection, so that it is freed at once.

        Where thousands of connections come and go, looking for them is work that stops
        the process for half a second.
        """
        self._guarded.forget_protocol()
        for cycle in {self.cycle, self._latest_cycle, *(c for c, _ in self.pipeline)}:
            if cycle is not None:
                cycle.on_response = do_nothing
        self.pipeline.clear()

    def _get_address(self) -> str:
        return self.client[0] if self.client else ""

    def _is_idle(self) -> bool:
        return self._latest_cycle is None or self._latest_cycle.response_complete

    def is_between_requests(self) -> bool:
        """Return whether the next byte begins a request, which nothing stands in the way of."""
        cycle = self._latest_cycle
        return (
            (cycle is None or (cycle.response_complete and not cycle.more_body))
            and not self._head.is_open
            and not self._is_discarding
            and not self._is_stopping
            and not self.transport.is_closing()
        )

    def begin_again(self, cycle: RequestResponseCycle) -> None:
        """Begin a request that is not parsed, for which an earlier one stands."""
        self._head.finish()
        if self._peer is not None:
            self._peer.idle.pop(self, None)
        cycle.response_started = cycle.response_complete = False
        self.cycle = self._latest_cycle = cycle

    def _is_overdue(self, now: float) -> bool:
        """Return whether no request has come for longer than connections are kept."""
        return self._is_idle() and now > self._idle_since + self.timeout_keep_alive

    def _has_unread_input(self) -> bool:
        """Return whether the client is still sending what nobody will read."""
        cycle = self._latest_cycle
        is_body_due = cycle is not None and cycle.response_complete and cycle.more_body
        return self._is_discarding or is_body_due

    def _note_left_unread(self, size: int) -> None:
        connections = cast("set[WebProtocol]", self.connections)
        self.inspection.note_left_unread(size, connections, self.loop.time())

    # --- reading

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_discarding or self.transport.is_closing():
            return
        if self._plain_body_left:
            self._feed_plain_body(data)
            return
        self._chunk_size = len(data)
        self._has_ended_request = False
        try:
            self.parser.feed_data(data)
            # Blank lines alone must not keep a connection.
            if self._head.is_open or (self._is_idle() and not self._has_ended_request):
                self._check_open_head()
        except httptools.HttpParserUpgrade as stop:
            self._ignore_upgrade(data[stop.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal or BadRequestError(INVALID_MESSAGE))
        except LeveredError as error:
            self._refuse(error)

    def _check_open_head(self) -> None:
        if self._head.deadline is None:
            self._head.deadline = self.loop.time() + self.limits.head_seconds
        if self._head.is_open:
            parsed_size = measure_head(self.url, self.headers)
            self._head.add_chunk(self._chunk_size, parsed_size)

    @override
    def on_message_begin(self) -> None:
        self._head.begin()
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        if self._head.is_too_large(self._chunk_size, self.url, self.headers):
            self._stop_parsing(build_head_error())
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parsing(BadRequestError("Too many pipelined requests."))
        self._head.finish()
        if self._peer is not None:
            self._peer.idle.pop(self, None)
        super().on_headers_complete()
        self._latest_cycle = self.cycle
        if self._is_stopping:
            self.cycle.keep_alive = False
        if is_chunked(self.headers):
            self.flow.pause_reading()  # nobody reads a chunked body

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._has_ended_request = True
        if self._latest_cycle is not None:
            cast("dict[str, Any]", self._latest_cycle.scope)[BODY_ARRIVED] = True

    def _stop_parsing(self, error: LeveredError) -> NoReturn:
        """Make the parser stop, whereupon `data_received` refuses the request."""
        self._refusal = error
        # Not the error itself: its traceback would refer back to this connection.
        raise _StopParsingError

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Answer a request that offers another protocol over HTTP/1.1.

        The parser stops behind its head, so the body is read here.
        """
        self.cycle.keep_alive = False
        self._plain_body_left = get_content_length(self.headers)
        self.cycle.more_body = self._plain_body_left > 0
        self._feed_plain_body(rest)

    def _feed_plain_body(self, data: bytes) -> None:
        body = data[: self._plain_body_left]
        self._plain_body_left -= len(body)
        if body:
            self.on_body(body)
        if self._plain_body_left == 0:
            self.on_message_complete()
            self._is_discarding = True

    def _refuse(self, error: LeveredError) -> None:
        """Answer with an error and close the connection.

        Requests before this one are answered first. Then the connection is closed
        without the error, because it could be taken for a response to one of them.
        """
        self._is_discarding = True
        cycle = self._latest_cycle
        if cycle is not None and not cycle.response_complete:
            is_broken = cycle.more_body and not cycle.response_started
            if self.pipeline or not is_broken:
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(encode_refusal(error, self._list_headers()))
        self.transport.close()

    def _list_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the current request so far; none before the first."""
        return self.headers or []

    @override
    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Keep the other direction open for the response to a complete request."""
        cycle = self._latest_cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        return True

    # --- writing

    @override
    def on_response_complete(self) -> None:
        """Start the next pipelined request; `check` ends a connection without one.

        uvicorn starts a timer for each response instead, a tenth of a plain serve.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if not self._is_idle():
            return
        if self._has_unread_input():
            self.transport.close()
        elif self._peer is not None:
            self._idle_since = self.loop.time()
            self._peer.idle[self] = None

    @override
    def shutdown(self) -> None:
        """Stop after the request that is running or that may be on its way."""
        self._is_stopping = True
        if self._is_idle():
            self.loop.call_later(LAST_REQUEST_SECONDS, self._close_if_unused)
        else:
            super().shutdown()

    def retire(self) -> None:
        """Close the connection behind its next response, or when it stays idle."""
        self._is_stopping = True
        self.timeout_keep_alive = min(self.timeout_keep_alive, RETIRED_IDLE_SECONDS)
        cycle = self._latest_cycle
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False

    def _close_if_unused(self) -> None:
        if self._is_idle() and not self._head.is_open:
            self.transport.close()

    @override
    def resume_writing(self) -> None:
        self._guarded.note_progress()
        super().resume_writing()

    def close_idle(self) -> None:
        """Close the connection to make room for another one."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def abort(self) -> None:
        """Close the connection at once; what is unsent is lost."""
        self.transport.abort()

    def check(self, now: float) -> int:
        """End what takes too long. Return the number of bytes not yet sent.

        `now` is the time of the event loop.
        """
        deadline = self._head.deadline
        if deadline is not None and now > deadline:
            self._head.deadline = None
            if self._head.is_open:
                self._refuse(RequestTimeoutError("The headers did not arrive in time."))
            else:
                self.transport.close()
        elif deadline is None and self._is_overdue(now):
            self.transport.close()
        return self._guarded.check(now)

    @property
    def unread_since(self) -> float:
        """Since when the client has read next to nothing, if anything is unsent."""
        return self._guarded.marked_at


def do_nothing() -> None:
    """Stand for the callback of a connection that is closed."""


def build_protocol_class(
    table: ConnectionTable, limits: ProtocolLimits
) -> type[WebProtocol]:
    """Return the protocol with the limits of a process."""
    return type("LimitedProtocol", (WebProtocol,), {"table": table, "limits": limits})
