"""The tab Decisions of an optimization as a client reads it, and what it shows."""

from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from optimizations.admin.tabs import registry
from optimizations.models import Decision, Optimization
from tests.support import staff_world
from warehouse import partitions
from warehouse.models import ManagedReward

SPACE = "\xa0"


def open_tab(client: Client, optimization: Optimization, **query: Any) -> str:
    answer = client.get(registry.build_url(optimization, "decisions"), query)
    assert answer.status_code == 200
    return answer.content.decode().replace(SPACE, " ")


def list_visitors(
    client: Client, optimization: Optimization, **query: Any
) -> list[str]:
    """Return the visitors of the receipts that the list shows, the newest first."""
    answer = client.get(registry.build_url(optimization, "decisions"), query)
    return [row.anonymous_id for row in answer.context["page"].rows]


def record(optimization: Optimization, visitor: str, **fields: Any) -> Decision:
    """Record a decision of two hours ago with these fields."""
    at = fields.pop("decided_at", timezone.now() - timedelta(hours=2))
    row = staff_world.record_decision(optimization, visitor, at)
    Decision.objects.filter(pk=row.pk).update(**fields)
    return Decision.objects.get(pk=row.pk)


def send_reward(
    optimization: Optimization, visitor: str, at: datetime, name: str = "purchase"
) -> None:
    partitions.ensure_partitions("managed_rewards", [at.date()])
    ManagedReward.objects.create(
        organization_id=optimization.organization_id,
        anonymous_id=visitor,
        name=name,
        value=1,
        timestamp_utc=at,
        created_at=at,
    )
