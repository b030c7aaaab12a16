"""Fixtures of these tests."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.support.second_postgres import SecondServer, run_second_server
from warehouse.backends import postgres
from warehouse.backends.postgres import PostgresBackend


@pytest.fixture(scope="session")
def second_postgres() -> Iterator[SecondServer]:
    """A server of a customer's, for all tests that ask for one."""
    with run_second_server() as running:
        yield running


@pytest.fixture
def second(second_postgres: SecondServer) -> Iterator[SecondServer]:
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
def acme(private_allowed: None, second_postgres: SecondServer) -> PostgresBackend:
    """The second server as a backend."""
    del private_allowed
    return postgres.build_backend(
        "org_a", postgres.validate_credentials(second_postgres.credentials)
    )
