"""Reject metric changes that would break a live optimization.

Called through settings.METRIC_GUARDS because metrics must not import optimizations.
"""

from collections.abc import Collection

from levered_site.errors import ConflictError
from metrics.models import Metric
from optimizations.models import Optimization

# The goal of a reward. Changing it would change the meaning of everything learned and
# of every figure computed before.
FIXED_FIELDS = ("outcomes", "direction")


def refuse_metric_change(metric: Metric, changed_fields: Collection[str]) -> None:
    """Refuse to change the goal of a metric that has rewarded a live optimization.

    Raises ConflictError naming the field and the optimization. Archived optimizations
    do not count: their results are history.
    """
    field = next((name for name in FIXED_FIELDS if name in changed_fields), None)
    if field is None:
        return
    optimization = (
        Optimization.objects.for_organization(metric.organization_id)
        .filter(reward_metric=metric, went_live_at__isnull=False)
        .exclude(status=Optimization.Status.ARCHIVED)
        .first()
    )
    if optimization is not None:
        raise ConflictError(
            f"{field} is fixed since “{optimization}” went live with this metric as its "
            "reward. Define a new metric for a new optimization."
        )
