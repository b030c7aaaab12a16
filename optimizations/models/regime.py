"""Regimes of an optimization."""

from django.db import models

from metrics.models import Metric
from optimizations.models.optimization import Optimization


class Regime(models.Model):
    """A stretch of time with one configuration. Measured lift is stratified by it."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="regimes"
    )
    number = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    holdout_percentage = models.FloatField()
    # Numbers of the servable variants; once shipped, of those that lead where users were.
    enabled: "models.JSONField[list[int], list[int]]" = models.JSONField()
    window_hours = models.PositiveIntegerField()
    horizon_hours = models.PositiveIntegerField()
    metric = models.ForeignKey(
        Metric, null=True, on_delete=models.PROTECT, related_name="+"
    )
    metric_revision = models.PositiveIntegerField(default=1)
    # The revision of each guardrail metric, by its id. One that was attached later is
    # missing: see revision_regimes.
    guardrail_revisions: "models.JSONField[dict[str, int], dict[str, int]]" = (
        models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    )
    # As `regimes.get_warehouse_name` returns it.
    warehouse = models.CharField(max_length=16, default="managed")
    # The assignment source's fingerprint; empty on the managed store.
    source = models.CharField(max_length=16, default="", blank=True)
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "number"), name="regime_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"regime {self.number} from {self.starts_at:%Y-%m-%d %H:%M}"
