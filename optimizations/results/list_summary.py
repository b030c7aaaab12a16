"""What a list tells of each optimization's results, looked up for a page at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F

from models_app.models import PolicyVersion
from optimizations.models import Optimization

ListSummary = dict[str, Any]
SUMMARY_FIELDS = ("lift", "confidence", "exposures")


def load_summaries(optimizations: Sequence[Optimization]) -> dict[UUID, ListSummary]:
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
            **{name: recorded[one.model_id].get(name) for name in SUMMARY_FIELDS},
        }
        for one in optimizations
        if one.model_id in recorded
    }
