"""What a training begins with, and the queue as it was afterwards."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.celery import app
from optimizations.models import Optimization
from tests.support import optimization_factories, traffic
from tests.support.learning import headline_b_rate


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization with 300 visitors of three days ago."""
    made = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    traffic.simulate_visitors(
        made, timezone.now() - timedelta(days=3), 300, headline_b_rate
    )
    return made


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    """Leave no task of one test to the worker of another."""
    yield
    app.control.purge()
