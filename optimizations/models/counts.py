"""Daily counts: the cube's days, and the lift published each day."""

from typing import Any

from django.db import models

from metrics.models import Metric
from optimizations.models.optimization import Optimization


class CubeDay(models.Model):
    """The observation cube's cells of one first-touch day, for one metric."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="cube_days"
    )
    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    sealed = models.BooleanField(default=False)
    computed_at = models.DateTimeField()
    cells = models.BinaryField()  # only optimizations.cube writes and reads it
    # Sums of hashes of a connected warehouse's rows of that day; they change where rows
    # are changed in place. Null on the managed store.
    exposures_hash = models.BigIntegerField(null=True)
    rewards_hash = models.BigIntegerField(null=True)
    # When such a change was last seen.
    rows_changed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("day",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "metric", "day"), name="cube_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class PublishedDay(models.Model):
    """The lift as published last on that day; not rewritten once the day is over."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="published_days"
    )
    day = models.DateField()
    figures: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    published_at = models.DateTimeField()

    class Meta:
        ordering = ("day",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "day"), name="published_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}"
