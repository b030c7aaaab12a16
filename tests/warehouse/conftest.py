"""Fixtures of these tests."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.support import second_postgres as servers
from tests.support.second_postgres import Second
from warehouse.backends import postgres
from warehouse.backends.postgres import Postgres


@pytest.fixture(scope="session")
def second_postgres() -> Iterator[Second]:
    """A server of a customer's, for all tests that ask for one."""
    with servers.running() as running:
        yield running


@pytest.fixture
def second(second_postgres: Second) -> Iterator[Second]:
    """The second server, its tables empty, allowed to be on this machine."""
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.shown, public.bought")
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True, TRAIN_WAIT_SECONDS=0):
        yield second_postgres


@pytest.fixture
def private_allowed() -> Iterator[None]:
    """Let addresses on this machine be reached."""
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True):
        yield


@pytest.fixture
def acme(private_allowed: None, second_postgres: Second) -> Postgres:
    """The second server as a backend."""
    del private_allowed
    return postgres.of("org_a", postgres.credentials(second_postgres.credentials))
