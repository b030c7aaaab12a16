"""Failed counts: recorded with the warehouse's message, so that results can tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from levered_site.errors import LeveredError
from metrics.models import Metric
from optimizations.cube import count_metrics
from optimizations.models import CountFailure, Optimization
from warehouse.backends import cancellation

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FailedCount:
    """Why a metric could not be counted, since when, and when it was tried last."""

    message: str
    since: datetime
    failed_at: datetime


@contextmanager
def record_outcome(optimization: Optimization, metric: Metric) -> Iterator[None]:
    """Record whether the block counted the metric; what it raises is raised on.

    A success deletes the recorded failure. A draft has nothing to count, so its refusal
    is no failure. Nor is a count that somebody cancelled.
    """
    failures = CountFailure.objects.filter(optimization=optimization, metric=metric)
    try:
        yield
    except LeveredError as error:
        is_failure = optimization.went_live_at is not None
        if is_failure and not cancellation.is_cancelled():
            is_reward = metric.pk == optimization.reward_metric_id
            count_metrics.count_failure(error, is_reward=is_reward)
            _store_failure(optimization, metric, error.message)
        raise
    failures.delete()


def load_failure(optimization: Optimization, metric: Metric) -> FailedCount | None:
    """Return the failure of the last attempt to count; None if it succeeded."""
    rows = optimization.count_failures.all()
    row = next((row for row in rows if row.metric_id == metric.pk), None)
    return None if row is None else read_failure(row)


def read_failure(row: CountFailure) -> FailedCount:
    """Return a stored failure."""
    return FailedCount(row.message, row.failing_since or row.failed_at, row.failed_at)


def record_uncounted_metrics() -> None:
    """Tell the metrics how many rewards and guardrails of live optimizations failed."""
    failures = CountFailure.objects.filter(optimization__in=Optimization.objects.live())
    rewards = failures.filter(metric=F("optimization__reward_metric"))
    guardrails = failures.filter(metric=F("optimization__guardrail_metrics"))
    count_metrics.set_uncounted(rewards=rewards.count(), guardrails=guardrails.count())


def _store_failure(optimization: Optimization, metric: Metric, message: str) -> None:
    now = timezone.now()
    failure = {"message": message, "failed_at": now}
    try:
        CountFailure.objects.update_or_create(
            optimization=optimization,
            metric=metric,
            defaults=failure,
            create_defaults={**failure, "failing_since": now},
        )
    except DatabaseError:  # it is what failed: the error under way says so
        log.warning("count_failure_not_recorded", exc_info=True)
