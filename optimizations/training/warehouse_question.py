"""The clock's question to a connected warehouse: is there anything new to learn?

The warehouse may take minutes, so a task of its own asks. An optimization is asked about
once per `retrain_every_minutes`, because a question reads rows, which may cost money.
Once a day the question covers all days that are retained, because rows may come late.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import LeveredError
from models_app import runs, training_slots
from models_app.models import TrainingRun
from optimizations.cube import new_rows
from optimizations.models import Optimization
from warehouse import connections

ASK_TASK = "optimizations.ask_warehouse"
REQUESTED_BY = "system:clock"
HISTORY_INTERVAL = timedelta(hours=24)
MAX_STAMP = 1e11  # some year that a datetime can name

log = structlog.get_logger(__name__)


def send_question(optimization: Optimization, now: datetime) -> bool:
    """Send the task that asks the optimization's warehouse; return whether it was sent.

    It is not for the managed store, nor within `retrain_every_minutes` of the last
    question, nor while the cache, which remembers the last one, is away.
    """
    if not connections.is_connected(optimization.organization_id):
        return False
    interval = timedelta(minutes=optimization.retrain_every_minutes)
    key = _build_key(optimization)
    try:
        asked_at = _read_time(key)
        # A stamp of the future is left by a clock that was set back.
        if asked_at is not None and now - interval < asked_at <= now:
            return False
        cache.set(key, now.timestamp(), interval.total_seconds())
        current_app.send_task(ASK_TASK, args=[str(optimization.pk)])
    except (BrokerError, *CACHE_ERRORS) as error:
        log.warning(
            "warehouse_not_asked",
            optimization_id=str(optimization.pk),
            error=str(error),
        )
        return False
    return True


def ask_warehouse(optimization_id: UUID) -> TrainingRun | None:
    """Request a training if the warehouse has new rows; return its run.

    Requests one too where the question fails: the run then says why, for all to see. While
    the warehouse may answer again soon, the next question is waited for.
    """
    optimization = (
        Optimization.objects.live()
        .select_related("model", "reward_metric")
        .filter(pk=optimization_id)
        .first()
    )
    if optimization is None or not connections.is_connected(
        optimization.organization_id
    ):
        return None
    organization_id = optimization.organization_id
    with training_slots.hold_slot(organization_id) as has_slot:
        if not has_slot:  # the next tick of the clock asks again
            _forget_question(optimization)
            return None
        is_due = _is_training_due(optimization)
    run = None
    if is_due:
        run = runs.request_training(optimization.model, requested_by=REQUESTED_BY)
    runs.send_next_runs(organization_id)  # one may have waited for the slot
    return run


def _forget_question(optimization: Optimization) -> None:
    with suppress(*CACHE_ERRORS):
        cache.delete(_build_key(optimization))


def _build_key(optimization: Optimization) -> str:
    return f"warehouse-asked:{optimization.pk}"


def _claim_history(optimization: Optimization, now: datetime) -> bool:
    """Return whether to ask about all days that are retained: once in HISTORY_INTERVAL.

    Never while the cache, which remembers the last time, is away.
    """
    key = _build_history_key(optimization)
    try:
        asked_at = _read_time(key)
        if asked_at is not None and now - HISTORY_INTERVAL < asked_at <= now:
            return False
        cache.set(key, now.timestamp(), HISTORY_INTERVAL.total_seconds())
    except CACHE_ERRORS:
        return False
    return True


def _read_time(key: str) -> datetime | None:
    """Return the time that is stored under a key; None if there is none."""
    stamp = cache.get(key)
    if not isinstance(stamp, float) or not 0 <= stamp <= MAX_STAMP:
        return None
    return datetime.fromtimestamp(stamp, UTC)


def _build_history_key(optimization: Optimization) -> str:
    return f"warehouse-history-asked:{optimization.pk}"


def _is_training_due(optimization: Optimization) -> bool:
    """Return whether there are new rows, or a failure that a run should report."""
    try:
        return _has_new_rows(optimization)
    except LeveredError as error:
        log.warning(
            "warehouse_question_failed",
            optimization_id=str(optimization.pk),
            error=error.message,
        )
        if error.retry_after is None:
            return True
        with suppress(*CACHE_ERRORS):  # the next question covers all days again
            cache.delete(_build_history_key(optimization))
        return False


def _has_new_rows(optimization: Optimization) -> bool:
    now = timezone.now()
    metric = optimization.reward_metric
    assert metric is not None  # a database constraint: live ones have one
    ended = optimization.model.training_runs.filter(finished_at__lte=now)
    succeeded = ended.filter(status=TrainingRun.Status.SUCCEEDED)
    return new_rows.has_new_rows(
        optimization,
        metric,
        now,
        last_run_ended_at=ended.order_by("-finished_at")
        .values_list("finished_at", flat=True)
        .first(),
        has_learned=succeeded.exists(),
        is_whole_history=_claim_history(optimization, now),
    )
