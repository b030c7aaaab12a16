"""A world of one organization, and clients of its staff."""

import pytest
from django.test import Client

from optimizations.models import Optimization
from tests.support import staff_world
from tests.support.staff_world import World


@pytest.fixture
def world(db: None) -> World:
    """Return a world with a live optimization."""
    return staff_world.make_world()


@pytest.fixture
def optimization(world: World) -> Optimization:
    """Return the optimization of the world."""
    return world.optimization


@pytest.fixture
def viewer(client: Client, world: World) -> Client:
    """Return a client of a viewer of the organization."""
    client.force_login(staff_world.make_member(world.organization, "viewer"))
    return client
