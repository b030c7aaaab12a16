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
# Of an entry that is no reason: as far as users' horizons were over, nothing was violated.
UNDECIDED = "undecided"
NOT_COUNTED, NO_MATURE_USERS = "guardrail_not_counted", "no_mature_users"
# Counts that are younger tell all there is to know.
FRESH_FOR = timedelta(minutes=1)
COUNTING_STATUSES = (Optimization.Status.LIVE, Optimization.Status.PAUSED)
JUST_COUNTED = "before the horizon of all users was over"
EVENTS = {DETACHED: "detached", REDEFINED: "redefined"}
WAYS_BACK = {
    DETACHED: "Attach it again as it was, count (“Count now”, refresh=true), and detach it "
    "then",
    REDEFINED: "Count (“Count now”, refresh=true), which judges these users by what it was then",
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
        end_guardrail(row, metric, DETACHED)
    row.save(update_fields=["guardrail_reasons", "past_violations"])


def end_by_redefining(metric: Metric, replaced: Metric) -> None:
    """Keep what is known of a guardrail whose revision or direction was replaced.

    `replaced` is the metric as it was.

    Call inside the transaction that made the change. Called through
    settings.METRIC_LISTENERS because metrics must not import optimizations.
    """
    guarded = Optimization.objects.filter(guardrail_metrics=metric).order_by("pk")
    for optimization in guarded:
        row = _lock_summary(optimization)
        if row is not None:
            end_guardrail(row, replaced, REDEFINED)
            row.save(update_fields=["guardrail_reasons", "past_violations"])


def end_guardrail(row: ResultsSummary, metric: Metric, cause: str) -> None:
    """Move the violation of a metric, if one is known, to the past ones; do not save.

    The metric is as it was. Without a violation, that nothing has counted it lately
    becomes a reason of the past, and so does detaching it before any user was mature. Of
    one that was redefined later counts still judge the users whose horizon is not over.
    """
    reason = row.guardrail_reasons.pop(str(metric.pk), None)
    row.past_violations = [
        past
        for past in row.past_violations
        if not (_is_of(past, metric) and UNDECIDED in past)
    ]
    is_known = any(_is_of(past, metric) for past in row.past_violations)
    _move_unknown_ends(row, metric)
    if reason is not None:
        row.past_violations.append(
            build_past_violation(metric, reason, metric.revision, cause)
        )
    elif not is_known:
        row.past_violations += _list_unknown(row, metric, cause)


def _list_unknown(row: ResultsSummary, metric: Metric, cause: str) -> list[Json]:
    """Return what is unknown of a metric without a known violation, as an entry or none."""
    if row.optimization.status not in COUNTING_STATUSES:
        return []
    failure = CountFailure.objects.filter(
        optimization=row.optimization_id, metric=metric
    ).first()
    if failure is not None and cause == REDEFINED:
        return []  # that is how to correct it
    known = _describe_last_count(row, metric, failure)
    if known is None and cause == DETACHED and not _has_no_mature_user(row):
        return []
    reason = _build_reason(metric, cause, known or JUST_COUNTED)
    entry = build_past_violation(metric, reason, metric.revision, cause)
    is_counted_on = known is None and cause == REDEFINED
    return [{**entry, UNDECIDED: True} if is_counted_on else entry]


def _has_no_mature_user(row: ResultsSummary) -> bool:
    """Return whether the last count could judge nothing: all users were too young."""
    return any(reason["code"] == NO_MATURE_USERS for reason in row.check_reasons)


def _is_of(past: Json, metric: Metric) -> bool:
    """Return whether a past violation is of the metric as it was."""
    key = past["metric_id"], past["revision"], past["direction"]
    return key == (str(metric.pk), metric.revision, metric.direction)


def _move_unknown_ends(row: ResultsSummary, metric: Metric) -> None:
    """Have what is unknown of the metric end now: a count under way covers less."""
    row.past_violations = [
        {**past, **_build_end()}
        if _is_of(past, metric) and past["reason"]["code"] == NOT_COUNTED
        else past
        for past in row.past_violations
    ]


def _build_end() -> Json:
    ended_at = timezone.now().astimezone(UTC)
    return {"ended_on": ended_at.date().isoformat(), "ended_at": ended_at.isoformat()}


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


def _describe_last_count(
    row: ResultsSummary, metric: Metric, failure: CountFailure | None
) -> str | None:
    """Return since when nothing has counted the metric; None if it was just counted."""
    if failure is not None:
        return f"while it could not be counted ({failure.message})"
    counted = (row.counted_revisions or {}).get(str(metric.pk))
    was_counted = counted == metric.revision
    counted_at = (row.as_of or row.judged_at) if was_counted else None
    if counted_at is None:
        return "before it was ever counted as it was"
    if timezone.now() - counted_at < FRESH_FOR:
        return None
    return f"without a count since {counted_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _build_reason(metric: Metric, cause: str, known: str) -> Json:
    now = timezone.now().astimezone(UTC)
    return {
        "code": NOT_COUNTED,
        "message": f"The guardrail “{metric.name}” was {EVENTS[cause]} on "
        f"{now:%Y-%m-%d} {known}: whether it was violated by then is unknown.",
        "next": f"{WAYS_BACK[cause]}; or weigh what is unknown when you decide.",
    }


def build_past_violation(
    metric: Metric, reason: Json, revision: int, cause: str
) -> Json:
    """Return a violation that ends now, as a summary stores it."""
    return {
        "metric_id": str(metric.pk),
        "revision": revision,
        "direction": metric.direction,
        "cause": cause,
        "reason": reason,
        **_build_end(),
    }
