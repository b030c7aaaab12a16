"""Summaries of results for lists of optimizations, read for a page at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from optimizations.models import Optimization, Regime, ResultsSummary
from optimizations.results.checks import unserved_variants
from optimizations.results.health import health_records, missing_counts
from optimizations.results.lift import summary_figures

ListSummary = dict[str, Any]
LIFT_FIGURES = tuple(summary_figures.NAMES.values())
FIGURES = (*LIFT_FIGURES, "exposures", "as_of", "unavailable")
NEVER_COUNTED = "nothing was counted yet"
NOT_STORED = "not stored at the last count; the next count adds it, or its reason"


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
    regimes = _load_regimes(rows)
    return {
        optimization.pk: {
            "variants_count": optimization.variants_count(),
            **_read_figures(rows.get(optimization.pk)),
            "notes": _list_notes(rows.get(optimization.pk), regimes),
            "health": healths[optimization.pk],
        }
        for optimization in optimizations
        if optimization.pk in rows
        or not missing_counts.is_nothing_yet(healths[optimization.pk])
    }


def _read_figures(row: ResultsSummary | None) -> ListSummary:
    if row is None:
        return dict.fromkeys(FIGURES) | {
            "exposures": 0,
            "unavailable": dict.fromkeys(LIFT_FIGURES, NEVER_COUNTED),
        }
    figures = {name: getattr(row, name) for name in FIGURES}
    nulls = [name for name in LIFT_FIGURES if figures[name] is None]
    # Rows of earlier versions have no reasons.
    reasons = dict.fromkeys(nulls, NOT_STORED) | row.unavailable
    return figures | {"unavailable": reasons}


def _load_regimes(ids: Iterable[UUID]) -> Mapping[UUID, list[Regime]]:
    """Return the regimes of each optimization, in order."""
    regimes: defaultdict[UUID, list[Regime]] = defaultdict(list)
    for regime in Regime.objects.filter(optimization__in=list(ids)).order_by("number"):
        regimes[regime.optimization_id].append(regime)
    return regimes


def _list_notes(
    row: ResultsSummary | None, regimes: Mapping[UUID, list[Regime]]
) -> list[str]:
    """Return of what the lift is, where there is one and it could mislead."""
    if row is None or (row.lift is None and row.difference is None):
        return []
    return unserved_variants.list_lift_notes(regimes.get(row.pk, []))
