"""The uvicorn server of one web process: how it runs, stops, and makes room."""

import asyncio
import os
import socket
from contextlib import suppress
from types import FrameType
from typing import cast

import uvicorn
from typing_extensions import override

from levered_site.web.allocator import MemoryTrimmer
from levered_site.web.inspection import Inspection
from levered_site.web.listener import admit_nobody, close_after_accepting
from levered_site.web.protocol import WebProtocol

# Of responses; beyond it the slowest readers are cut off.
MAX_UNREAD_BYTES = 64 * 2**20
# Until handshakes are complete and uvloop has closed its sockets.
CLOSING_SECONDS = 0.1
TICKS_PER_SECOND = 10  # uvicorn calls on_tick this often
# How long a process that is replaced may finish requests: longer than any may take.
RETIREMENT_SECONDS = 45.0


class WebServer(uvicorn.Server):
    """A uvicorn server whose event loop tells the manager each second that it runs."""

    def __init__(
        self, config: uvicorn.Config, protocol_class: type[WebProtocol], heartbeat: int
    ) -> None:
        super().__init__(config)
        self._protocol_class = protocol_class
        self._heartbeat = heartbeat
        self._inspection = Inspection(TICKS_PER_SECOND, MAX_UNREAD_BYTES)
        protocol_class.inspection = self._inspection
        self._trimmer = MemoryTrimmer()
        self._is_retirement_requested = False
        self._retires_until: float | None = None

    def request_retirement(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal: another process takes the place of this one."""
        self._is_retirement_requested = True

    @override
    async def on_tick(self, counter: int) -> bool:
        """Write to the heartbeat pipe once per second, and look at connections."""
        if counter % TICKS_PER_SECOND == 0:
            with suppress(OSError):  # the manager is gone or does not read
                os.write(self._heartbeat, b".")
            self._trimmer.step()
        connections = cast("set[WebProtocol]", self.server_state.connections)
        now = asyncio.get_running_loop().time()
        self._inspection.step(connections, now)
        if self._is_retirement_requested:
            self._retire(connections, now)
        return await super().on_tick(counter)

    def _retire(self, connections: set[WebProtocol], now: float) -> None:
        """Leave new connections to the other processes; exit after the last response.

        The port stays open for them, so that nothing about it may be changed.
        """
        if self._retires_until is None:
            self._retires_until = now + RETIREMENT_SECONDS
            for server in self.servers:
                server.close()
        for connection in list(connections):
            connection.retire()
        has_work = bool(connections or self.server_state.tasks)
        if not has_work or now > self._retires_until:
            self.should_exit = True

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept who is already waiting at the port, then stop.

        The kernel resets connections that nobody accepts before the port closes. So new
        ones are kept out first. uvloop closes its sockets a little later than asked: the
        last accept is on copies.
        """
        if self._retires_until is None:
            await self._close_port(sockets or [])
        await super().shutdown()

    async def _close_port(self, sockets: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        listeners = [listener.dup() for listener in sockets]
        for listener in listeners:
            admit_nobody(listener)
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        await asyncio.sleep(CLOSING_SECONDS)
        for listener in listeners:
            for connection in close_after_accepting(listener):
                await loop.connect_accepted_socket(self._create_protocol, connection)

    def _create_protocol(self) -> WebProtocol:
        return self._protocol_class(self.config, self.server_state, self.lifespan.state)
