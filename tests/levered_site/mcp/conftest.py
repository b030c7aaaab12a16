"""One running service for all tests of the MCP endpoint, without limits."""

from collections.abc import Iterator

import pytest

from tests.support import mcp_agents, mcp_worlds
from tests.support.running_service import Service, home_named

UNLIMITED = dict.fromkeys(
    ("RATELIMIT_GLOBAL", "RATELIMIT_SERVE", "RATELIMIT_INGEST"), "0"
)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Start it for the first test that needs it."""
    with home_named("mcp") as found:
        found.start(**UNLIMITED)
        yield found
        mcp_agents.close_sessions()


@pytest.fixture(scope="session")
def world(service: Service) -> mcp_worlds.World:
    """An organization with something of everything, and its agents."""
    return mcp_worlds.make_world(service, "org_world")


@pytest.fixture(scope="session")
def other(service: Service) -> mcp_worlds.World:
    """Another organization that has the same."""
    return mcp_worlds.make_world(service, "org_other")
