"""One running service without rate limits, for all tests that need no other settings.

Starting one takes ten seconds of a processor's time. Tests kill parts of it, which its
supervisor starts again; none ends the supervisor or changes an organization of another
test. tests/conftest.py registers the fixture.
"""

from collections.abc import Iterator

import pytest

from benchmarks.local_service import UNLIMITED
from tests.support.running_service import Service, home_named


@pytest.fixture(scope="session")
def shared_service() -> Iterator[Service]:
    """Start the service for the first test that needs it."""
    with home_named("shared") as running:
        running.start(**UNLIMITED)
        yield running
