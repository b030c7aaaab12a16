"""The end of a deleted optimization's data, when its receipts are gone."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from levered_site.organizations import audit
from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.models import Assignment, FirstTouch, LookBack, Optimization

# Receipts are dropped by whole days.
MARGIN = timedelta(days=2)


def purge_deleted(now: datetime | None = None) -> int:
    """Delete what optimizations left that were deleted RETENTION_DAYS ago.

    No endpoint reads it, and their receipts and events are dropped by then, too. Each one
    is deleted in a transaction of its own. Returns how many were.
    """
    now = now or timezone.now()
    before = now - timedelta(days=settings.RETENTION_DAYS) - MARGIN
    deleted = Optimization.objects.filter(deleted_at__lt=before)
    ids = list(deleted.values_list("pk", flat=True))
    for optimization in deleted.filter(pk__in=ids).select_related("model"):
        _purge(optimization)
    return len(ids)


@transaction.atomic
def _purge(optimization: Optimization) -> None:
    audit.record(
        optimization.organization_id,
        SYSTEM_ACTOR,
        "optimization.purge",
        optimization,
        {"deleted_at": optimization.deleted_at},
    )
    for rows in (Assignment, FirstTouch, LookBack):
        rows.objects.filter(optimization_id=optimization.pk).delete()
    model = optimization.model
    optimization.delete()
    model.delete()
