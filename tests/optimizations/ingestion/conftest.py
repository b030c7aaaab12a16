"""An optimization that events are sent to, and the backend that sends them."""

import pytest

from optimizations.models import Optimization
from tests import factories
from tests.factories import Api
from tests.optimizations import factories as made


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization of an organization of its own."""
    return made.optimization(made.organization())


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A backend with that organization's key."""
    return Api(factories.api_key(optimization.organization))
