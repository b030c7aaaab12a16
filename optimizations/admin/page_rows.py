"""What is read of an optimization together with it, for its pages."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from optimizations.configuration import notes
from optimizations.models import (
    Candidate,
    CountFailure,
    ErasedRemainder,
    PublishedDay,
    Variant,
)


def load_page(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Load what head, tabs and documents of an optimization show in any case."""
    variants = Variant.objects.filter(optimization=OuterRef("pk"))
    last_variants = variants.order_by("-number")
    loaded: QuerySet[Any] = (
        rows.select_related("model", "organization", "results_summary")
        .select_related("reward_metric", "assignment_source")
        .annotate(
            last_number=Subquery(last_variants.values("number")[:1]),
            has_candidate=Exists(Candidate.objects.filter(optimization=OuterRef("pk"))),
            has_failures=Exists(
                CountFailure.objects.filter(optimization=OuterRef("pk"))
            ),
            has_published_days=Exists(
                PublishedDay.objects.filter(optimization=OuterRef("pk"))
            ),
            has_erased_users=Exists(
                ErasedRemainder.objects.filter(optimization=OuterRef("pk"))
            ),
        )
    )
    return notes.load_day_notes(loaded)
