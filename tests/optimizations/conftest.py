"""Fixtures of these tests."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from levered_site.celery import app
from warehouse import partitions

assert app.main == "levered"  # as in a web process: tasks are sent by name through it


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,  # pytest-django's own
    django_db_blocker: DjangoDbBlocker,
) -> None:
    """Make the partitions of the last days once: in a test they would be rolled back."""
    with django_db_blocker.unblock():
        _make_recent_partitions()


@pytest.fixture
def recent_partitions() -> Iterator[None]:
    """Make again what a test drops: tests in transactions cannot make their own."""
    yield
    _make_recent_partitions()


def _make_recent_partitions() -> None:
    today = timezone.now().date()
    for table in ("decisions", "managed_exposures", "managed_rewards"):
        partitions.ensure_partitions(
            table, [today - timedelta(days=back) for back in range(9)]
        )
