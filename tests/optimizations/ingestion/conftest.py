"""An optimization that events are sent to, and the backend that sends them."""

import pytest

from optimizations.models import Optimization
from tests.support import factories
from tests.support.factories import Api
from tests.support.optimization_factories import make_optimization, make_organization


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization of an organization of its own."""
    return make_optimization(make_organization())


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A backend with that organization's key."""
    return Api(factories.make_api_key(optimization.organization))
