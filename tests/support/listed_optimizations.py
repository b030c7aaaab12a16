"""Many optimizations as lists read them: with what counts and trainings would store."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from levered_site.organizations.models import Organization
from metrics.models import Metric
from models_app.models import BanditModel, TrainingRun
from optimizations.models import Optimization, ResultsSummary, Variant

Json = dict[str, Any]
CONFIG: Json = {"reward": {"name": "purchase", "type": "bool"}, "design_factors": []}


def make_reason(code: str, message: str = "") -> Json:
    """Return a reason as a summary stores it."""
    return {"code": code, "message": message or f"It is {code}.", "next": "Look."}


def make_listed(
    organization: Organization,
    metric: Metric | None,
    name: str = "Listed",
    *,
    status: str = "live",
    days_live: float | None = 12,
    **fields: Any,
) -> Optimization:
    """Make an optimization that nothing has counted yet."""
    now = timezone.now()
    model = BanditModel.objects.create(
        organization=organization, model_type="mab", training_data_config=CONFIG
    )
    return Optimization.objects.create(
        organization=organization,
        model=model,
        name=name,
        status=status,
        reward_metric=metric,
        went_live_at=None if days_live is None else now - timedelta(days=days_live),
        **fields,
    )


def store_count(optimization: Optimization, **fields: Any) -> ResultsSummary:
    """Store what the last count found: by default a lift that is healthy, not decided."""
    metric = optimization.reward_metric
    now = timezone.now()
    defaults: Json = {
        "lift": 4.0,
        "lift_ci_anytime": [-3.0, 11.0],
        "exposures": 5200,
        "users": 5000,
        "newest_user_day": now.date(),
        "as_of": now - timedelta(minutes=20),
        "judged_at": now - timedelta(minutes=20),
        "counted_revisions": {str(metric.pk): metric.revision} if metric else {},
    }
    row = ResultsSummary(optimization=optimization, **(defaults | fields))
    row.save()
    return row


def store_run(
    optimization: Optimization, status: str, error: str = "", at: datetime | None = None
) -> TrainingRun:
    """Store a training that has ended."""
    run = TrainingRun.objects.create(
        model=optimization.model, status=status, error=error, requested_by="clock"
    )
    if at is not None:
        TrainingRun.objects.filter(pk=run.pk).update(created_at=at)
    return run


def make_variants(optimizations: Sequence[Optimization], number: int) -> None:
    """Make so many variants of each."""
    Variant.objects.bulk_create(
        Variant(
            optimization=optimization,
            number=place,
            variant_key=f'{{"headline":"{place}"}}',
            levels={"headline": str(place)},
        )
        for optimization in optimizations
        for place in range(1, number + 1)
    )
