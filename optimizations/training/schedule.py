"""What the clock asks for: retraining where it is due, partitions ahead, old keys forgotten."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import (
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.utils import timezone

from levered_site.organizations import idempotency
from models_app import runs
from models_app.models import TrainingRun
from optimizations.models import Optimization
from warehouse import partitions, write_log
from warehouse.models import EventKey

TABLES_PARTITIONED_BY_DAY = ("decisions", "managed_exposures", "managed_rewards")
DAYS_AHEAD = 3  # days
EVENT_KEY_RETENTION = timedelta(days=7)
# Rows stamped before a run began may have been committed after it read.
NEW_DATA_MARGIN = timedelta(minutes=1)

SELECT_NEW_DATA = """
SELECT EXISTS (
  SELECT FROM decisions
  WHERE optimization_id = %(optimization)s AND decided_at >= %(since)s
) OR EXISTS (
  SELECT FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND created_at >= %(since)s AND {came}
) OR %(learned)s AND EXISTS (
  SELECT FROM managed_rewards
  WHERE organization_id = %(organization)s AND created_at >= %(since)s AND {came}
    AND (optimization_id IS NULL OR optimization_id = %(optimization)s)
)
"""


def retrain_due(now: datetime | None = None) -> int:
    """Ask for a run of every live optimization whose time has come and that has new data.

    The time is `retrain_every_minutes` after the last run was asked for, new is what
    came since the last good run began. Returns how many runs were asked for.
    """
    now = now or timezone.now()
    asked = 0
    for optimization in _query_due_optimizations(now):
        if _has_new_data(optimization):
            runs.request_training(optimization.model, requested_by="system:clock")
            asked += 1
    return asked


def _query_due_optimizations(now: datetime) -> QuerySet[Optimization]:
    of_model = TrainingRun.objects.filter(model_id=OuterRef("model_id"))
    good = of_model.filter(status=TrainingRun.Status.SUCCEEDED)
    return (
        Optimization.objects.live()
        .annotate(
            asked_at=Subquery(
                of_model.order_by("-created_at").values("created_at")[:1]
            ),
            learned_at=Subquery(good.order_by("-started_at").values("started_at")[:1]),
            every=ExpressionWrapper(
                F("retrain_every_minutes") * timedelta(minutes=1),
                output_field=DurationField(),
            ),
        )
        .filter(Q(asked_at=None) | Q(asked_at__lte=now - F("every")))
        .exclude(model__training_runs__status__in=runs.OPEN_STATUSES)
        .select_related("model")
    )


def _has_new_data(optimization: Optimization) -> bool:
    learned = getattr(optimization, "learned_at", None)
    since = learned - NEW_DATA_MARGIN if learned else optimization.created_at
    came, stretches = write_log.build_created_since_condition(
        optimization.organization_id, since
    )
    values = {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
        # Before anybody was exposed the organization's rewards teach nothing.
        "learned": learned is not None,
        "since": since,
        **stretches,
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT_NEW_DATA.format(came=came), values)
        return bool(cursor.fetchone()[0])


def maintain_partitions(now: datetime | None = None) -> None:
    """Make the partitions of the coming days, and drop those past their retention."""
    today = (now or timezone.now()).date()
    days = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    for table in TABLES_PARTITIONED_BY_DAY:
        partitions.ensure_partitions(table, days)
    oldest = today - timedelta(days=settings.RETENTION_DAYS)
    for table in TABLES_PARTITIONED_BY_DAY:
        partitions.drop_partitions_before(table, oldest)
    write_log.delete_late_days_before(oldest)


def delete_expired_keys(now: datetime | None = None) -> None:
    """Forget idempotency keys: of events after 7 days, of requests after 24 hours."""
    now = now or timezone.now()
    EventKey.objects.filter(created_at__lt=now - EVENT_KEY_RETENTION).delete()
    idempotency.delete_expired(now)
