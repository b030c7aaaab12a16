"""What lists show of results, and which metrics could not be counted."""

from typing import Any

from django.db import models

from metrics.models import Metric
from optimizations.models.optimization import Optimization

Json = dict[str, Any]
Reason = Json
Interval = list[float] | tuple[float, float]
OpenInterval = list[float | None] | tuple[float | None, float | None]


class ResultsSummary(models.Model):
    """The lift of an optimization and what was wrong with it when it was last counted.

    Lists read it instead of the counts. `judged_at` is None where the lift was taken over
    from an earlier version, which judged no health.
    """

    optimization = models.OneToOneField(
        Optimization,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="results_summary",
    )
    lift = models.FloatField(null=True)  # percent
    # None where an earlier version counted, too.
    lift_ci_anytime: "models.JSONField[Interval | None, Interval | None]" = (
        models.JSONField(null=True)
    )
    # The difference per user and its intervals as [low, high], an open end being null.
    difference = models.FloatField(null=True)
    difference_ci: "models.JSONField[OpenInterval | None, OpenInterval | None]" = (
        models.JSONField(null=True)
    )
    difference_ci_anytime: "models.JSONField[OpenInterval | None, OpenInterval | None]" = models.JSONField(
        null=True
    )
    # Why figures of the lift are null, by their names here; an open end as `name[0]`.
    unavailable: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField())
    )
    confidence = models.FloatField(null=True)
    exposures = models.BigIntegerField()
    # All users of the last count, and the newest day of first touch that has any. None
    # where an earlier version counted.
    users = models.PositiveBigIntegerField(null=True)
    newest_user_day = models.DateField(null=True)
    as_of = models.DateTimeField(null=True)
    # Reasons as {code, message, next}: of failed checks, and of each violated guardrail
    # by the id of its metric.
    check_reasons: "models.JSONField[list[Reason], list[Reason]]" = models.JSONField(
        default=list
    )
    guardrail_reasons: "models.JSONField[dict[str, Reason], dict[str, Reason]]" = (
        models.JSONField(default=dict)
    )
    # Violations of guardrails that were detached or redefined before they were over, as
    # {metric_id, revision, direction, cause, ended_on, reason}.
    past_violations: "models.JSONField[list[Json], list[Json]]" = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField())
    )
    # The revision by which each metric, reward and guardrails, was counted last, by its
    # id. None where an earlier version counted.
    counted_revisions: "models.JSONField[dict[str, int] | None, dict[str, int] | None]" = models.JSONField(
        null=True
    )
    judged_at = models.DateTimeField(null=True)
    # Of the first full week after going live; fixed once that is over, because the
    # anytime figures are tuned by it.
    first_week_users = models.PositiveBigIntegerField(null=True)

    def __str__(self) -> str:
        return f"summary of {self.optimization_id}"


class CountFailure(models.Model):
    """The last attempt to count a metric, which failed; the next success deletes it."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="count_failures"
    )
    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="+")
    message = models.TextField()
    failed_at = models.DateTimeField()
    # The first of the attempts that failed one after the other; null where a process of
    # an earlier version stored it.
    failing_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "metric"), name="count_failure_once"
            )
        ]

    def __str__(self) -> str:
        return self.message
