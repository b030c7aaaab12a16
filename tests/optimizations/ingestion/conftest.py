"""An optimization that events are sent to, and the backend that sends them."""

import pytest

from optimizations.models import Optimization
from tests.support import factories, optimization_factories as made
from tests.support.factories import Api


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization of an organization of its own."""
    return made.optimization(made.organization())


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A backend with that organization's key."""
    return Api(factories.api_key(optimization.organization))
