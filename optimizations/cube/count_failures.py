"""Failed counts: recorded with the warehouse's message, so that results can tell."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError
from django.utils import timezone

from levered_site.errors import LeveredError
from metrics.models import Metric
from optimizations.models import CountFailure, Optimization

log = structlog.get_logger(__name__)


@contextmanager
def record_outcome(optimization: Optimization, metric: Metric) -> Iterator[None]:
    """Record whether the block counted the metric; what it raises is raised on.

    A success deletes the recorded failure. A draft has nothing to count, so its refusal
    is no failure.
    """
    failures = CountFailure.objects.filter(optimization=optimization, metric=metric)
    try:
        yield
    except LeveredError as error:
        if optimization.went_live_at is not None:
            _store_failure(optimization, metric, error.message)
        raise
    failures.delete()


def _store_failure(optimization: Optimization, metric: Metric, message: str) -> None:
    try:
        CountFailure.objects.update_or_create(
            optimization=optimization,
            metric=metric,
            defaults={"message": message, "failed_at": timezone.now()},
        )
    except DatabaseError:  # it is what failed: the error under way says so
        log.warning("count_failure_not_recorded", exc_info=True)
