"""Batches of events as they are sent, and what is in the store afterwards."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from warehouse.models import EventKey, ManagedExposure, ManagedReward

DAY = timezone.now().date() - timedelta(days=2)


def build_batch(*events: Any) -> dict[str, Any]:
    """Write a batch."""
    return {"events": list(events)}


def count_stored() -> tuple[int, int, int]:
    """Count what is in the store: exposures, rewards, keys."""
    return (
        ManagedExposure.objects.count(),
        ManagedReward.objects.count(),
        EventKey.objects.count(),
    )
