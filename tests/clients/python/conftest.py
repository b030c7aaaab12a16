"""A proxy before the running service, and clients that are closed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import pytest
from pytest_django.live_server_helper import LiveServer

from levered import Levered
from levered.core import Options
from optimizations.models import Optimization
from tests.clients.python.terminals import log_in
from tests.support.chaos_proxy import ChaosProxy, run_proxy
from tests.support.optimization_factories import make_live_optimization
from tests.support.python_client import Opener, Terminal


@pytest.fixture
def proxy(live_server: LiveServer) -> Iterator[ChaosProxy]:
    """Run a proxy before the service."""
    with run_proxy(live_server.url) as running:
        yield running


@pytest.fixture
def open_client() -> Iterator[Opener]:
    """Return a function that makes clients; they are closed at the end."""
    clients: list[Levered] = []

    def make_client(url: str, api_key: str = "", **options: Unpack[Options]) -> Levered:
        client = Levered(url, api_key, **options)
        clients.append(client)
        return client

    yield make_client
    for client in clients:
        client.close()


@pytest.fixture
def optimization() -> Optimization:
    """Make a live optimization."""
    return make_live_optimization()


@pytest.fixture
def terminal(
    live_server: LiveServer, tmp_path: Path, optimization: Optimization
) -> Terminal:
    """Open the terminal of an admin of its organization."""
    return log_in(tmp_path, live_server.url, optimization.organization)
