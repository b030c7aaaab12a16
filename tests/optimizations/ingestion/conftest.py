"""Fixtures: an optimization to send events to, and the backend that sends them."""

import pytest

from optimizations.models import Optimization
from tests.support import factories
from tests.support.factories import Api
from tests.support.optimization_factories import make_optimization, make_organization


@pytest.fixture
def optimization() -> Optimization:
    """A live optimization in an organization of its own."""
    return make_optimization(make_organization())


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A client with an API key of that organization."""
    return Api(factories.make_api_key(optimization.organization))
