"""The running service, and organizations in it, for all tests of the MCP endpoint."""

from collections.abc import Iterator

import pytest

from tests.support import mcp_agents, mcp_worlds, typescript_agents
from tests.support.running_service import Service


@pytest.fixture(scope="session")
def service(shared_service: Service) -> Iterator[Service]:
    """Lend the service until the last session with it is closed."""
    typescript_agents.start_installing()
    yield shared_service
    mcp_agents.close_sessions()


@pytest.fixture(scope="session")
def world(service: Service) -> mcp_worlds.World:
    """Create an organization with one object of each kind, and its agents."""
    return mcp_worlds.make_world(service, "org_world")


@pytest.fixture(scope="session")
def other(service: Service) -> mcp_worlds.World:
    """Create another organization with the same objects."""
    return mcp_worlds.make_world(service, "org_other")
