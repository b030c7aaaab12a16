"""Give each guardrail its share of the error, once: at going live or when it is added."""

from django.db.models import Max

from metrics.stats.guardrails import compute_later_share, compute_launch_share
from optimizations.models import GuardrailShare, Optimization


def fix_launch_shares(optimization: Optimization) -> None:
    """Divide the error among the guardrails of the launch.

    Call when the optimization goes live for the first time, holding its row lock.
    """
    metrics = list(optimization.guardrail_metrics.all())
    GuardrailShare.objects.bulk_create(
        GuardrailShare(
            optimization=optimization,
            metric=metric,
            share=compute_launch_share(len(metrics)),
        )
        for metric in metrics
    )


def fix_later_shares(optimization: Optimization) -> None:
    """Give the guardrails without a share the next ones; others keep theirs.

    Before the launch nothing is fixed. Call holding the optimization's row lock.
    """
    if optimization.went_live_at is None:
        return
    shares = GuardrailShare.objects.filter(optimization=optimization)
    last_place: int = shares.aggregate(last=Max("place"))["last"] or 0
    known = set(shares.values_list("metric_id", flat=True))
    metrics = optimization.guardrail_metrics.order_by("name", "pk")
    added = [metric for metric in metrics if metric.pk not in known]
    for place, metric in enumerate(added, last_place + 1):
        share = compute_later_share(place)
        GuardrailShare.objects.create(
            optimization=optimization, metric=metric, share=share, place=place
        )
