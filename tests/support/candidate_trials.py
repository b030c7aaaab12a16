"""Optimizations with a trained candidate, and their API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.models import Optimization
from optimizations.training import candidates
from tests.support import factories, traffic
from tests.support.factories import Api
from tests.support.learning import train_model
from tests.support.optimization_factories import make_live_optimization

UNIFORM = {"allocation": "uniform"}
Rate = Callable[[traffic.Json, traffic.Json], float]
BLIND = {"ignored_context_factors": ["device"]}


def mobile_headline_rate(variant: traffic.Json, context: traffic.Json) -> float:
    """Return a conversion rate: headline B is better on mobile, A elsewhere."""
    return (
        0.4 if (variant["headline"] == "B") == (context["device"] == "mobile") else 0.2
    )


def headline_rate(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a conversion rate: headline B is better everywhere."""
    return 0.4 if variant["headline"] == "B" else 0.2


def send_visitors(
    optimization: Optimization,
    days_ago: float,
    rate: Rate = mobile_headline_rate,
    **more: Any,
) -> None:
    """Send a day of 1,000 visitors under the serving policy."""
    start = timezone.now() - timedelta(days=days_ago)
    traffic.simulate_visitors(optimization, start, 1000, rate, **more)


def make_trained_candidate(
    settings: dict[str, Any], rate: Rate = mobile_headline_rate, **fields: Any
) -> Optimization:
    """Make an optimization whose candidate was trained once, beside version 1."""
    optimization = make_live_optimization(**fields)
    send_visitors(optimization, 6, rate)
    candidates.set_candidate(optimization, settings, SYSTEM_ACTOR)
    train_model(optimization)
    return optimization


def candidate_path(optimization: Optimization) -> str:
    """Return the path of the candidate."""
    return f"/optimizations/{optimization.pk}/candidate"


def admin_api(optimization: Optimization) -> Api:
    """Return the API as an admin of the organization."""
    return factories.make_admin_api(optimization.organization)


def member_api(optimization: Optimization) -> Api:
    """Return the API as a plain member of the organization."""
    return factories.make_member_api(optimization.organization)
