"""The cap of a metric's amounts in an optimization."""

from django.db import models

from metrics.models import Metric
from optimizations.models.optimization import Optimization


class AmountCap(models.Model):
    """What capped revenue counts at most of one user, fixed after the first week.

    It is never moved: a cap that followed the data would not hold at all looks. A metric
    that is changed counts other amounts, so each of its revisions has a cap of its own.
    """

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="amount_caps"
    )
    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()
    cap = models.FloatField()
    fixed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "metric", "revision"), name="amount_cap_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.cap:g}"
