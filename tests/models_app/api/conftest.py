"""An optimization whose model is asked about, and a member who asks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from tests.support import factories, traffic
from tests.support.factories import Api
from tests.support.learning import headline_b_rate
from tests.support.optimization_factories import make_optimization, make_organization


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization with 400 visitors of three days ago."""
    found = make_optimization(make_organization(), holdout_percentage=25)
    traffic.simulate_visitors(
        found, timezone.now() - timedelta(days=3), 400, headline_b_rate
    )
    return found


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A member of its organization."""
    return factories.make_member_api(optimization.organization)
