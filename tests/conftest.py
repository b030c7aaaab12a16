"""Fixtures for every test. Factories are plain functions, in files of their own."""

import pytest
from django.core.cache import cache


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Leave the database to the end of the run: open connections would block a drop."""
    return True


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Let no test count another's requests."""
    cache.clear()
