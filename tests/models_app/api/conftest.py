"""An optimization whose model is asked about, and a member who asks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from tests.support import factories, optimization_factories as made, traffic
from tests.support.factories import Api
from tests.support.learning import truth


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization with 400 visitors of three days ago."""
    found = made.optimization(made.organization(), holdout_percentage=25)
    traffic.live_through(found, timezone.now() - timedelta(days=3), 400, truth)
    return found


@pytest.fixture
def api(optimization: Optimization) -> Api:
    """A member of its organization."""
    return factories.member_of(optimization.organization)
