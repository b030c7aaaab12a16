"""One running service, without rate limits, for all tests of the MCP endpoint."""

from collections.abc import Iterator

import pytest

from tests.support import mcp_agents, mcp_worlds, typescript_agents
from tests.support.running_service import Service, home_named

UNLIMITED = dict.fromkeys(
    ("RATELIMIT_GLOBAL", "RATELIMIT_SERVE", "RATELIMIT_INGEST"), "0"
)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Start the service for the first test that needs it."""
    typescript_agents.start_installing()
    with home_named("mcp") as running:
        running.start(**UNLIMITED)
        yield running
        mcp_agents.close_sessions()


@pytest.fixture(scope="session")
def world(service: Service) -> mcp_worlds.World:
    """Create an organization with one object of each kind, and its agents."""
    return mcp_worlds.make_world(service, "org_world")


@pytest.fixture(scope="session")
def other(service: Service) -> mcp_worlds.World:
    """Create another organization with the same objects."""
    return mcp_worlds.make_world(service, "org_other")
