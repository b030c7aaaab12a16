"""Keep a violation that was known when its guardrail was detached or defined anew.

Nothing counts it from then on, so that nothing could tell of it otherwise.
"""

from collections.abc import Collection
from datetime import UTC

from django.utils import timezone

from metrics.models import Metric
from optimizations.models import Optimization, ResultsSummary
from optimizations.models.summary import Json

DETACHED, REDEFINED = "detached", "redefined"


def end_by_detaching(optimization: Optimization, metrics: Collection[Metric]) -> None:
    """Keep the violations of guardrails that are about to be detached.

    Call inside the transaction that detaches them.
    """
    if not metrics:
        return
    rows = ResultsSummary.objects.filter(optimization=optimization)
    for row in rows.select_for_update():
        for metric in metrics:
            end_violation(row, metric, metric.revision, DETACHED)
        row.save(update_fields=["guardrail_reasons", "past_violations"])


def end_by_redefining(metric: Metric, replaced_revision: int) -> None:
    """Keep the violations of a guardrail that another revision or direction replaces.

    Call inside the transaction that made the change. Called through
    settings.METRIC_LISTENERS because metrics must not import optimizations.
    """
    rows = ResultsSummary.objects.filter(
        optimization__organization_id=metric.organization_id,
        guardrail_reasons__has_key=str(metric.pk),
    )
    for row in rows.order_by("pk").select_for_update():
        end_violation(row, metric, replaced_revision, REDEFINED)
        row.save(update_fields=["guardrail_reasons", "past_violations"])


def end_violation(
    row: ResultsSummary, metric: Metric, revision: int, cause: str
) -> None:
    """Move the violation of a metric, if one is known, to the past ones; do not save."""
    reason = row.guardrail_reasons.pop(str(metric.pk), None)
    if reason is not None:
        row.past_violations.append(
            build_past_violation(metric, reason, revision, cause)
        )


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
