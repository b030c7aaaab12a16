"""The share of the error that each guardrail of an optimization has."""

from django.db import models

from metrics.models import Metric
from optimizations.models.optimization import Optimization


class GuardrailShare(models.Model):
    """A guardrail's share of the error, fixed when it is attached.

    It stays when the guardrail is detached or its metric deleted, because it was spent:
    attached again, a guardrail has the share it had.
    """

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="guardrail_shares"
    )
    metric = models.ForeignKey(
        Metric, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    share = models.FloatField()
    # The first, second, … added after going live; 0 for those of the launch.
    place = models.PositiveIntegerField(default=0)
    # The day (UTC) of the first count that showed harm; the status may return to ok.
    first_violated_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "metric"), name="guardrail_share_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.share:g}"
