"""A proxy before the running service."""

from collections.abc import Iterator

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.support.chaos_proxy import ChaosProxy, run_proxy


@pytest.fixture
def proxy(live_server: LiveServer) -> Iterator[ChaosProxy]:
    """Run a proxy before the service."""
    with run_proxy(live_server.url) as running:
        yield running
