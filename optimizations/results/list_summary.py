"""What a list tells of each optimization's results, looked up for a page at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F

from models_app.models import PolicyVersion
from optimizations.models import Optimization

Summary = dict[str, Any]
FIGURES = ("lift", "confidence", "exposures")


def summaries(optimizations: Sequence[Optimization]) -> dict[UUID, Summary]:
    """Read what the last training recorded of each: lift, confidence, exposures.

    One query that takes the summaries out of their reports, which are long. An
    optimization that was never trained has none.
    """
    recorded = dict(
        PolicyVersion.objects.filter(
            model__in=[one.model_id for one in optimizations],
            number=F("model__policy_version"),
            report__summary__isnull=False,
        ).values_list("model_id", "report__summary")
    )
    return {
        one.pk: {
            "variants_count": one.variants_count(),
            **{name: recorded[one.model_id].get(name) for name in FIGURES},
        }
        for one in optimizations
        if one.model_id in recorded
    }
