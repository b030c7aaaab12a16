"""One running service for all tests of the MCP endpoint, without limits."""

from collections.abc import Iterator

import pytest

from tests.levered_site.mcp import agents, worlds
from tests.running import Service, home_named

UNLIMITED = dict.fromkeys(
    ("RATELIMIT_GLOBAL", "RATELIMIT_SERVE", "RATELIMIT_INGEST"), "0"
)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Start it for the first test that needs it."""
    with home_named("mcp") as found:
        found.start(**UNLIMITED)
        yield found
        agents.hang_up()


@pytest.fixture(scope="session")
def world(service: Service) -> worlds.World:
    """An organization with something of everything, and its agents."""
    return worlds.make(service, "org_world")


@pytest.fixture(scope="session")
def other(service: Service) -> worlds.World:
    """Another organization that has the same."""
    return worlds.make(service, "org_other")
