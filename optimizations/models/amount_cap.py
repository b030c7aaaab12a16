"""The cap of a metric's amounts in an optimization."""

from django.db import models

from metrics.models import Metric
from optimizations.models.optimization import Optimization


class AmountCap(models.Model):
    """What capped revenue counts at most of one user, fixed after the first week.

    It is never moved: a cap that followed the data would not hold at all looks.
    """

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="amount_caps"
    )
    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="+")
    cap = models.FloatField()
    fixed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "metric"), name="amount_cap_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.cap:g}"
