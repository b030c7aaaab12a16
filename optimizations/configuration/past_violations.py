"""Keep what was known of a guardrail when it was detached or redefined.

Nothing counts it from then on, so that nothing could tell of it otherwise: neither of a
violation, nor that users were shown something which nobody has judged.
"""

from collections.abc import Collection
from datetime import UTC, timedelta

from django.utils import timezone

from metrics.models import Metric
from optimizations.models import CountFailure, Optimization, ResultsSummary
from optimizations.models.summary import Json

DETACHED, REDEFINED = "detached", "redefined"
NOT_COUNTED = "guardrail_not_counted"
# Counts that are younger tell all there is to know.
FRESH_FOR = timedelta(minutes=1)
COUNTING_STATUSES = (Optimization.Status.LIVE, Optimization.Status.PAUSED)
EVENTS = {DETACHED: "detached", REDEFINED: "redefined"}
WAYS_BACK = {
    DETACHED: "Attach it again as it was, count with refresh=true, and detach it then",
    REDEFINED: "Change it back, count with refresh=true, and change it then",
}


def end_by_detaching(optimization: Optimization, metrics: Collection[Metric]) -> None:
    """Keep what is known of guardrails that are about to be detached.

    Call inside the transaction that detaches them.
    """
    if not metrics:
        return
    row = _lock_summary(optimization)
    if row is None:
        return
    for metric in metrics:
        end_guardrail(row, metric, metric.revision, DETACHED)
    row.save(update_fields=["guardrail_reasons", "past_violations"])


def end_by_redefining(metric: Metric, replaced_revision: int) -> None:
    """Keep what is known of a guardrail that another revision or direction replaces.

    Call inside the transaction that made the change. Called through
    settings.METRIC_LISTENERS because metrics must not import optimizations.
    """
    guarded = Optimization.objects.filter(guardrail_metrics=metric).order_by("pk")
    for optimization in guarded:
        row = _lock_summary(optimization)
        if row is not None:
            end_guardrail(row, metric, replaced_revision, REDEFINED)
            row.save(update_fields=["guardrail_reasons", "past_violations"])


def end_guardrail(
    row: ResultsSummary, metric: Metric, revision: int, cause: str
) -> None:
    """Move the violation of a metric, if one is known, to the past ones; do not save.

    Without one, that nothing has counted the metric lately becomes a reason of the past.
    """
    key = str(metric.pk)
    reason = row.guardrail_reasons.pop(key, None)
    known = {(past["metric_id"], past["revision"]) for past in row.past_violations}
    if reason is None and (key, revision) not in known:
        reason = _describe_uncounted(row, metric, revision, cause)
    if reason is not None:
        row.past_violations.append(
            build_past_violation(metric, reason, revision, cause)
        )


def _lock_summary(optimization: Optimization) -> ResultsSummary | None:
    """Return the locked summary, an empty one before the first count; None of a draft."""
    if optimization.went_live_at is None:
        return None
    row, _ = ResultsSummary.objects.select_for_update().get_or_create(
        optimization=optimization,
        defaults={
            "exposures": 0,
            "counted_revisions": {},
            "judged_at": timezone.now(),
        },
    )
    return row


def _describe_uncounted(
    row: ResultsSummary, metric: Metric, revision: int, cause: str
) -> Json | None:
    """Return the reason of a guardrail that is not known to be unharmed as of now.

    None if it was just counted, if nothing counts any more, or if it is redefined
    because it could not be counted: that is how to correct it.
    """
    if row.optimization.status not in COUNTING_STATUSES:
        return None
    failure = CountFailure.objects.filter(
        optimization=row.optimization_id, metric=metric
    ).first()
    if failure is not None and cause == REDEFINED:
        return None
    was_counted = (row.counted_revisions or {}).get(str(metric.pk)) == revision
    counted_at = (row.as_of or row.judged_at) if was_counted else None
    now = timezone.now()
    if failure is not None:
        known = f"while it could not be counted ({failure.message})"
    elif counted_at is None:
        known = "before it was ever counted as it was"
    elif now - counted_at < FRESH_FOR:
        return None
    else:
        known = f"without a count since {counted_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return {
        "code": NOT_COUNTED,
        "message": f"The guardrail “{metric.name}” was {EVENTS[cause]} on "
        f"{now.astimezone(UTC):%Y-%m-%d} {known}: whether it was violated by then is "
        "unknown.",
        "next": f"{WAYS_BACK[cause]}; or weigh what is unknown when you decide.",
    }


def build_past_violation(
    metric: Metric, reason: Json, revision: int, cause: str
) -> Json:
    """Return a violation that ends today (UTC), as a summary stores it."""
    return {
        "metric_id": str(metric.pk),
        "revision": revision,
        "direction": metric.direction,
        "cause": cause,
        "ended_on": timezone.now().astimezone(UTC).date().isoformat(),
        "reason": reason,
    }
