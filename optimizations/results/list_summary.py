"""Summaries of results for lists of optimizations, read for a page at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from optimizations.models import Optimization, ResultsSummary
from optimizations.results import health_records, missing_counts

ListSummary = dict[str, Any]
FIGURES = (
    *("lift", "difference", "difference_ci", "difference_ci_anytime"),
    *("confidence", "exposures", "as_of"),
)


def load_summaries(optimizations: Sequence[Optimization]) -> dict[UUID, ListSummary]:
    """Return the figures and the health of the last count, by id.

    A few queries read a page, and no counts. An optimization that was never counted has
    no summary, unless something is wrong with it.
    """
    rows = ResultsSummary.objects.in_bulk([row.pk for row in optimizations])
    healths = health_records.build_healths(
        optimizations,
        {pk: health_records.read_reasons(row) for pk, row in rows.items()},
    )
    return {
        optimization.pk: {
            "variants_count": optimization.variants_count(),
            **_read_figures(rows.get(optimization.pk)),
            "health": healths[optimization.pk],
        }
        for optimization in optimizations
        if optimization.pk in rows
        or not missing_counts.is_nothing_yet(healths[optimization.pk])
    }


def _read_figures(row: ResultsSummary | None) -> ListSummary:
    if row is None:
        return dict.fromkeys(FIGURES) | {"exposures": 0}
    return {name: getattr(row, name) for name in FIGURES}
