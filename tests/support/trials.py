"""Optimizations with a candidate, for tests to begin with."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from levered_site.organizations.actors import SYSTEM
from optimizations.models import Optimization
from optimizations.training import candidates
from tests.support import factories, traffic
from tests.support.factories import Api
from tests.support.learning import trained
from tests.support.optimization_factories import live

UNIFORM = {"allocation": "uniform"}
BLIND = {"ignored_context_factors": ["device"]}


def truth(variant: traffic.Json, context: traffic.Json) -> float:
    """Headline B is good on mobile, A elsewhere."""
    return (
        0.4 if (variant["headline"] == "B") == (context["device"] == "mobile") else 0.2
    )


def visited(optimization: Optimization, days_ago: float, **more: Any) -> None:
    """Send a day of 1,000 visitors under the policy in force."""
    start = timezone.now() - timedelta(days=days_ago)
    traffic.live_through(optimization, start, 1000, truth, **more)


def tried(settings: dict[str, Any], **fields: Any) -> Optimization:
    """An optimization whose candidate was trained once, beside version 1."""
    optimization = live(**fields)
    visited(optimization, 6)
    candidates.put(optimization, settings, SYSTEM)
    trained(optimization)
    return optimization


def door(optimization: Optimization) -> str:
    """Where the candidate is."""
    return f"/optimizations/{optimization.pk}/candidate"


def admin(optimization: Optimization) -> Api:
    """An admin of its organization."""
    return factories.admin_of(optimization.organization)


def member(optimization: Optimization) -> Api:
    """A plain member of its organization."""
    return factories.member_of(optimization.organization)
