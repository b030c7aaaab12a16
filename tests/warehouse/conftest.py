"""Fixtures of the warehouse tests: a second Postgres server, as a customer has one."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.support.second_postgres import SecondServer, run_second_server
from warehouse.backends import postgres
from warehouse.backends.postgres import PostgresBackend


@pytest.fixture(scope="session")
def second_postgres() -> Iterator[SecondServer]:
    """Run one server for all tests that need it."""
    with run_second_server() as server:
        yield server


@pytest.fixture
def second(second_postgres: SecondServer) -> Iterator[SecondServer]:
    """Return the second server with empty tables; private addresses are allowed."""
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.shown, public.bought")
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True, TRAIN_WAIT_SECONDS=0):
        yield second_postgres


@pytest.fixture
def private_allowed() -> Iterator[None]:
    """Allow connections to private addresses."""
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True):
        yield


@pytest.fixture
def acme(private_allowed: None, second_postgres: SecondServer) -> PostgresBackend:
    """Return the backend of the second server."""
    del private_allowed
    return postgres.build_backend(
        "org_a", postgres.validate_credentials(second_postgres.credentials)
    )
