"""What a list tells of each optimization's results, looked up for a page at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F

from models_app.models import PolicyVersion
from optimizations.models import Optimization

Summary = dict[str, Any]


def summaries(optimizations: Sequence[Optimization]) -> dict[UUID, Summary]:
    """Return the summaries of the trained ones, by one query, without their reports.

    What the training that made the serving version wrote: see `results.summary`.
    """
    found = dict(
        PolicyVersion.objects.filter(
            model__in=[one.model_id for one in optimizations],
            number=F("model__policy_version"),
            report__isnull=False,
        ).values_list("model_id", "report__summary")
    )
    return {
        one.pk: found[one.model_id]
        for one in optimizations
        if found.get(one.model_id) is not None
    }
