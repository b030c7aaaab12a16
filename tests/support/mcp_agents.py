"""Agents for tests: the official client, over HTTP, against the running service."""

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

from levered_site.organizations import tokens
from tests.support.running_service import Service

T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True)
class Agent:
    """Somebody's agent: calls tools one by one."""

    port: int
    token: str
    mode: str = "auto"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Client]:
        """Open a session of the official client."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(self.address, http_client=http)
            async with Client(transport, mode=self.mode) as client:
                yield client

    @property
    def address(self) -> str:
        """Where the service speaks MCP."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """Ask one thing in the agent's session, which stays open until `hang_up`."""
        return _open_sessions.portal.call(question, _open_sessions.client(self))

    def result(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool; what the client got, checked against the tool's output schema."""

        async def question(client: Client) -> CallToolResult:
            found = await client.call_tool(tool, arguments)
            assert isinstance(found, CallToolResult)
            return found

        return self.ask(question)

    def call_successfully(self, tool: str, **arguments: Any) -> Json:
        """Call a tool that must succeed; its structured answer."""
        found = self.result(tool, **arguments)
        assert not found.is_error, read_text(found)
        document: Json = found.structured_content
        return document

    def call_expecting_error(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail; the text an agent reads then."""
        found = self.result(tool, **arguments)
        assert found.is_error, found.structured_content
        return read_text(found)


class _OpenSessions:
    """The sessions that are open, on a loop in a thread of their own."""

    def __init__(self) -> None:
        self.open = ExitStack()
        self.clients: dict[Agent, Client] = {}

    @cached_property
    def portal(self) -> BlockingPortal:
        return self.open.enter_context(start_blocking_portal())

    def client(self, agent: Agent) -> Client:
        if agent not in self.clients:
            session = self.portal.wrap_async_context_manager(agent.session())
            self.clients[agent] = self.open.enter_context(session)
            self.portal.call(self.clients[agent].list_tools)
        return self.clients[agent]


_open_sessions = _OpenSessions()


def close_sessions() -> None:
    """Close every session."""
    _open_sessions.open.close()


def read_text(result: CallToolResult) -> str:
    """Return the text of a result."""
    (block,) = result.content
    assert block.type == "text"
    return block.text


def create_token(service: Service, organization: str, role: str = "admin") -> str:
    """Issue a token that the running service accepts."""
    with override_settings(LEVERED_HOME=service.home):
        return tokens.issue_token(organization, role, user_id=f"user_{role}")


def create_agent(service: Service, organization: str, role: str = "admin") -> Agent:
    """Give an organization's member an agent."""
    return Agent(service.port, create_token(service, organization, role))
