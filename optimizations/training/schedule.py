"""Periodic work: due retraining, partitions, and the deletion of expired keys."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import (
    DurationField,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.utils import timezone

from levered_site.database import fetch_row
from levered_site.organizations import idempotency
from models_app import runs
from models_app.models import PolicyVersion, TrainingRun
from optimizations.cube import erased_remainders
from optimizations.models import Optimization
from optimizations.serving import metrics
from optimizations.training import warehouse_question
from warehouse import partitions, write_log
from warehouse.models import EventKey

TABLES_PARTITIONED_BY_DAY = ("decisions", "managed_exposures", "managed_rewards")
DAYS_AHEAD = 3  # days
EVENT_KEY_RETENTION = timedelta(days=7)
# Rows stamped before a run began may have been committed after the run read.
NEW_DATA_MARGIN = timedelta(minutes=1)

SELECT_NEW_DATA = """
SELECT EXISTS (
  SELECT FROM decisions
  WHERE optimization_id = %(optimization)s AND decided_at >= %(since)s
) OR EXISTS (
  SELECT FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND created_at >= %(since)s AND {created_since}
) OR %(has_learned)s AND EXISTS (
  SELECT FROM managed_rewards
  WHERE organization_id = %(organization)s AND created_at >= %(since)s
    AND {created_since}
    AND (optimization_id IS NULL OR optimization_id = %(optimization)s)
) AS has_new_data
"""


def retrain_due(now: datetime | None = None) -> int:
    """Request a run for each live optimization that is due and has new data.

    It is due `retrain_every_minutes` after its last run was requested. New is what
    arrived since the last successful run began: what our own tables know of it, and
    otherwise what a connected warehouse says, which a task of its own asks. Returns how
    many runs were requested at once.
    """
    now = now or timezone.now()
    requested = 0
    for optimization in _query_due_optimizations(now):
        if _has_new_data(optimization):
            runs.request_training(
                optimization.model, requested_by=warehouse_question.REQUESTED_BY
            )
            requested += 1
        else:
            warehouse_question.send_question(optimization, now)
    return requested


def _query_due_optimizations(now: datetime) -> QuerySet[Optimization]:
    # Runs of the future were made by a clock that has been set back since. Waiting for
    # their time would stop the training until then.
    training_runs = TrainingRun.objects.filter(
        model_id=OuterRef("model_id"), created_at__lte=now
    )
    succeeded = training_runs.filter(
        status=TrainingRun.Status.SUCCEEDED, started_at__lte=now
    )
    return (
        Optimization.objects.live()
        .annotate(
            requested_at=Subquery(
                training_runs.order_by("-created_at").values("created_at")[:1]
            ),
            learned_at=Subquery(
                succeeded.order_by("-started_at").values("started_at")[:1]
            ),
            interval=ExpressionWrapper(
                F("retrain_every_minutes") * timedelta(minutes=1),
                output_field=DurationField(),
            ),
        )
        .filter(Q(requested_at=None) | Q(requested_at__lte=now - F("interval")))
        .exclude(model__training_runs__status__in=runs.OPEN_STATUSES)
        .select_related("model")
    )


def _has_new_data(optimization: Optimization) -> bool:
    learned_at = getattr(optimization, "learned_at", None)
    since = learned_at - NEW_DATA_MARGIN if learned_at else optimization.created_at
    created_since, created_params = write_log.build_created_since_condition(
        optimization.organization_id, since
    )
    params = {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
        # Without exposures the organization's rewards are nothing to learn from.
        "has_learned": learned_at is not None,
        "since": since,
        **created_params,
    }
    with connection.cursor() as cursor:
        statement = SELECT_NEW_DATA.format(created_since=created_since)
        cursor.execute(statement, params)
        return bool(fetch_row(cursor).has_new_data)


def record_training_times() -> None:
    """Tell the metrics when the policies of the live optimizations were trained."""
    trained = PolicyVersion.Cause.TRAINING
    times = (
        Optimization.objects.live()
        .filter(model__policy_versions__cause=trained)
        .values("pk")
        .annotate(trained_at=Max("model__policy_versions__created_at"))
        .aggregate(oldest=Min("trained_at"), newest=Max("trained_at"))
    )
    metrics.set_training_times(times["oldest"], times["newest"])


def maintain_partitions(now: datetime | None = None) -> None:
    """Create the partitions of the coming days, and drop those past their retention."""
    today = (now or timezone.now()).date()
    days = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    for table in TABLES_PARTITIONED_BY_DAY:
        partitions.ensure_partitions(table, days)
    oldest = today - timedelta(days=settings.RETENTION_DAYS)
    for table in TABLES_PARTITIONED_BY_DAY:
        partitions.drop_partitions_before(table, oldest)
    write_log.delete_late_days_before(oldest)
    erased_remainders.delete_remainders_before(oldest)


def delete_expired_keys(now: datetime | None = None) -> None:
    """Delete idempotency keys: of events after 7 days, of requests after 24 hours."""
    now = now or timezone.now()
    EventKey.objects.filter(created_at__lt=now - EVENT_KEY_RETENTION).delete()
    idempotency.delete_expired(now)
