"""Optimizations with visitors, and members who read their results."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from levered_site.organizations.models import Organization
from optimizations.models import Optimization
from tests.support import factories, traffic
from tests.support.factories import Api
from tests.support.learning import headline_b_rate, train_model
from tests.support.optimization_factories import make_optimization, make_organization


def make_visited_optimization(
    organization: Organization | None = None, **fields: Any
) -> Optimization:
    """Make a live optimization with a thousand visitors, half of them held out.

    All come on one day: what a model learns of them must not hang on the time of day.
    """
    optimization = make_optimization(
        organization or make_organization(), **({"holdout_percentage": 50} | fields)
    )
    day = timezone.now() - timedelta(days=3)
    start = day.replace(hour=1, minute=0, second=0, microsecond=0)
    traffic.simulate_visitors(optimization, start, 1000, headline_b_rate)
    return optimization


def train_and_return(optimization: Optimization) -> Optimization:
    """Train the optimization and return it."""
    train_model(optimization)
    return optimization


def make_member_api(optimization: Optimization) -> Api:
    """Return the API client of a member of the organization."""
    return factories.make_member_api(optimization.organization)
