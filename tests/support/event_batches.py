"""Batches of events to send, and counts of what the store holds afterwards."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from warehouse.models import EventKey, ManagedExposure, ManagedReward

DAY = timezone.now().date() - timedelta(days=2)


def build_batch(*events: Any) -> dict[str, Any]:
    """Build the body of an ingestion request."""
    return {"events": list(events)}


def count_stored() -> tuple[int, int, int]:
    """Return the numbers of stored exposures, rewards and idempotency keys."""
    return (
        ManagedExposure.objects.count(),
        ManagedReward.objects.count(),
        EventKey.objects.count(),
    )
