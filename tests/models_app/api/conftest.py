"""An optimization with visitors, and the API as a member of its organization."""

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
    """Return a live optimization with 400 visitors of three days ago."""
    optimization = make_optimization(make_organization(), holdout_percentage=25)
    traffic.simulate_visitors(
        optimization, timezone.now() - timedelta(days=3), 400, headline_b_rate
    )
    return optimization


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """Return the API as a member of its organization."""
    return factories.make_member_api(optimization.organization)
