"""Summaries of results for lists of optimizations, read for a page at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F

from models_app.models import PolicyVersion
from optimizations.models import Optimization

ListSummary = dict[str, Any]
SUMMARY_FIELDS = ("lift", "confidence", "exposures")


def load_summaries(optimizations: Sequence[Optimization]) -> dict[UUID, ListSummary]:
    """Return the lift, confidence and exposures that the last training stored, by id.

    One query reads the summaries out of the reports, which are long. An optimization
    that was never trained has no summary.
    """
    summaries = dict(
        PolicyVersion.objects.filter(
            model__in=[optimization.model_id for optimization in optimizations],
            number=F("model__policy_version"),
            report__summary__isnull=False,
        ).values_list("model_id", "report__summary")
    )
    return {
        optimization.pk: {
            "variants_count": optimization.variants_count(),
            **{
                name: summaries[optimization.model_id].get(name)
                for name in SUMMARY_FIELDS
            },
        }
        for optimization in optimizations
        if optimization.model_id in summaries
    }
