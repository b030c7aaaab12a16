"""What going live fixed in the rooms below, which know no optimization: changes refused."""

from collections.abc import Collection

from levered_site.errors import ConflictError
from metrics.models import Metric
from optimizations.models import Optimization

# A reward's goal: what is learnt and every figure before the change would mean another.
FIXED_FIELDS = ("outcomes", "direction")


def refuse_metric_change(metric: Metric, changed: Collection[str]) -> None:
    """Refuse to change what an optimization that has gone live is rewarded for.

    Raises ConflictError naming the field and the optimization. Archived ones keep
    nothing: their results are history.
    """
    field = next((name for name in FIXED_FIELDS if name in changed), None)
    if field is None:
        return
    live = Optimization.objects.for_organization(metric.organization_id).filter(
        reward_metric=metric, went_live_at__isnull=False
    )
    holder = live.exclude(status=Optimization.Status.ARCHIVED).first()
    if holder is not None:
        raise ConflictError(
            f"{field}: fixed since “{holder}” went live with this metric as its reward. "
            "Define a new metric for a new optimization."
        )
