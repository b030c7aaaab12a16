"""Stretches of time in which an optimization that went live was not live."""

from datetime import datetime

from django.db import models

from optimizations.models.optimization import Optimization


class RecordingGap(models.Model):
    """A stretch of time in another status than live: exposures dated then do not count.

    `ends_at` is null until the next change of status.
    """

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="recording_gaps"
    )
    starts_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    ends_at: "models.DateTimeField[datetime | None, datetime | None]" = (
        models.DateTimeField(null=True)
    )
    status = models.CharField(max_length=16, choices=Optimization.Status.choices)

    class Meta:
        ordering = ("starts_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization",),
                condition=models.Q(ends_at=None),
                name="one_open_recording_gap",
            )
        ]

    def __str__(self) -> str:
        return f"{self.status} from {self.starts_at:%Y-%m-%d %H:%M}"
