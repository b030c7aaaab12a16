"""Fixtures of the admin tests: a logged-in superuser and an organization."""

import pytest
from django.test import Client

from tests.support import staff_world
from tests.support.staff_world import World


@pytest.fixture
def staff(client: Client) -> Client:
    """Return a client that is logged in as a superuser."""
    client.force_login(staff_world.make_superuser())
    return client


@pytest.fixture
def world() -> World:
    """Create an organization with a live optimization."""
    return staff_world.make_world()
