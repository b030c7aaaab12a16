"""Agents for tests: the official MCP client over HTTP against the running service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from django.test import override_settings
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult
from pydantic import BaseModel

from levered_site.organizations import tokens
from tests.support.running_service import PATIENCE, Service

Result = TypeVar("Result")
Json = dict[str, Any]

MAX_RESULT_BYTES = 8_192  # of a tool result on the wire
MAX_REPEATS = 20  # of a request that a busy service refuses


class _PatientTransport(httpx2.AsyncHTTPTransport):
    """Repeats what a busy service answers with 503, when its `Retry-After` says.

    The official client makes an error of it, which an agent reads as "Server returned an
    error response". Refused messages were not read, so that repeating them is safe.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        for _ in range(MAX_REPEATS):
            response = await super().handle_async_request(request)
            if response.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                return response
            await response.aclose()
            await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
        return await super().handle_async_request(request)


@dataclass(frozen=True)
class Agent:
    """An agent with a user's token; calls tools one at a time."""

    port: int
    token: str
    mode: str = "auto"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Client]:
        """Open a session of the official client."""
        headers = {"Authorization": f"Bearer {self.token}"}
        http = httpx2.AsyncClient(
            headers=headers, timeout=60 * PATIENCE, transport=_PatientTransport()
        )
        async with http:
            transport = streamable_http_client(self.address, http_client=http)
            async with Client(transport, mode=self.mode) as client:
                yield client

    @property
    def address(self) -> str:
        """URL of the MCP endpoint."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def run_in_session(self, action: Callable[[Client], Awaitable[Result]]) -> Result:
        """Run an action in the agent's session, which `close_sessions` closes."""
        return _open_sessions.portal.call(action, _open_sessions.get_client(self))

    def call_tool(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool; the client checks the result against the tool's output schema."""

        async def call(client: Client) -> CallToolResult:
            result = await client.call_tool(tool, arguments)
            assert isinstance(result, CallToolResult)
            return result

        return self.run_in_session(call)

    def call_successfully(self, tool: str, **arguments: Any) -> Json:
        """Call a tool that must succeed; return its structured answer."""
        result = self.call_tool(tool, **arguments)
        assert not result.is_error, read_text(result)
        document: Json = result.structured_content
        return document

    def list_rows(self, tool: str, **arguments: Any) -> list[Any]:
        """Return the rows of every page that a tool answers."""
        rows: list[Any] = []
        cursor = None
        while True:
            page = self.call_successfully(tool, **arguments, cursor=cursor)
            rows += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return rows

    def call_expecting_error(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail; return the text that an agent reads."""
        result = self.call_tool(tool, **arguments)
        assert result.is_error, result.structured_content
        return read_text(result)


class _OpenSessions:
    """The open sessions, on an event loop in a thread of their own."""

    def __init__(self) -> None:
        self.exit_stack = ExitStack()
        self.clients: dict[Agent, Client] = {}

    @cached_property
    def portal(self) -> BlockingPortal:
        return self.exit_stack.enter_context(start_blocking_portal())

    def get_client(self, agent: Agent) -> Client:
        if agent not in self.clients:
            session = self.portal.wrap_async_context_manager(agent.session())
            self.clients[agent] = self.exit_stack.enter_context(session)
            self.portal.call(self.clients[agent].list_tools)
        return self.clients[agent]


_open_sessions = _OpenSessions()


def close_sessions() -> None:
    """Close every session."""
    _open_sessions.exit_stack.close()


def read_text(result: CallToolResult) -> str:
    """Return the text of a result."""
    (block,) = result.content
    assert block.type == "text"
    return block.text


def measure_wire_size(result: BaseModel) -> int:
    """Return the bytes of a result as the client receives it."""
    return len(result.model_dump_json(by_alias=True, exclude_none=True).encode())


def create_token(service: Service, organization: str, role: str = "admin") -> str:
    """Issue a token that the running service accepts."""
    with override_settings(LEVERED_HOME=service.home):
        return tokens.issue_token(organization, role, user_id=f"user_{role}")


def create_agent(service: Service, organization: str, role: str = "admin") -> Agent:
    """Create an agent for a user of an organization."""
    return Agent(service.port, create_token(service, organization, role))
