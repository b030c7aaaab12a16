"""An optimization with visitors, and an empty queue after each test."""

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
    """Return a live optimization with 300 visitors of three days ago."""
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    traffic.simulate_visitors(
        optimization, timezone.now() - timedelta(days=3), 300, headline_b_rate
    )
    return optimization


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    """Leave no task of one test for the worker of another."""
    yield
    app.control.purge()
