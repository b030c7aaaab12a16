"""Fixtures of these tests."""

from collections.abc import Iterator

import pytest

from tests.warehouse import second
from tests.warehouse.second import Second


@pytest.fixture(scope="session")
def second_postgres() -> Iterator[Second]:
    """A server of a customer's, for all tests that ask for one."""
    with second.running() as running:
        yield running
