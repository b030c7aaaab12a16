"""Optimizations with visitors to read results of, and a member who reads them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from levered_site.organizations.models import Organization
from optimizations.models import Optimization
from tests.support import factories, optimization_factories as made, traffic
from tests.support.factories import Api
from tests.support.learning import trained, truth


def observed(organization: Organization | None = None, **fields: Any) -> Optimization:
    """Make a live optimization with a thousand visitors, half of them held out."""
    optimization = made.optimization(
        organization or made.organization(), **({"holdout_percentage": 50} | fields)
    )
    traffic.live_through(optimization, timezone.now() - timedelta(days=3), 1000, truth)
    return optimization


def taught(optimization: Optimization) -> Optimization:
    """Train it and give it back."""
    trained(optimization)
    return optimization


def api_of(optimization: Optimization) -> Api:
    """A member of its organization."""
    return factories.member_of(optimization.organization)
