"""Stores the health with the lift at each count, for lists and pages that read no counts."""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, ResultsSummary
from optimizations.results import stored
from optimizations.results.health import (
    guardrails,
    health_judgement,
    violation_records,
)
from optimizations.results.health.health_evidence import Evidence, collect_evidence
from optimizations.results.health.health_records import CountedReasons
from optimizations.results.lift import (
    anytime_tuning,
    summary_figures,
)

MAX_JUDGED = 50


def refresh_results(optimization: Optimization, *, full: bool = False) -> None:
    """Have the warehouse count reward and guardrails, then judge and store the health.

    See `stored.refresh_counts`, which tells what this raises.
    """
    stored.refresh_counts(optimization, full=full)
    if optimization.went_live_at is not None:
        store_summary(optimization, collect_evidence(optimization))


@transaction.atomic
def store_summary(optimization: Optimization, evidence: Evidence) -> Evidence:
    """Store the lift and the reasons that are shown without counts until the next count.

    Returns the evidence that is stored, current as of now: where somebody stored a summary
    since this was loaded, it is loaded again, so that newer counts are not overwritten.
    """
    # Detaching or redefining a guardrail waits for the row, and the other way round.
    row, _ = ResultsSummary.objects.select_for_update().get_or_create(
        optimization=optimization, defaults={"exposures": 0}
    )
    if _is_superseded(evidence, row):
        rows = Optimization.objects.select_related("model", "reward_metric")
        optimization = rows.get(pk=optimization.pk)  # another report may serve now
        evidence = collect_evidence(optimization)
    evidence = replace(evidence, current_at=timezone.now())
    reasons = health_judgement.list_reasons(optimization, evidence)
    guardrails.store_violations(optimization, evidence.guardrails)
    for name, value in _build_summary(optimization, evidence, reasons).items():
        setattr(row, name, value)
    violation_records.replace_unknown(row, evidence.redefined)
    violation_records.store_violations(
        row, evidence.guardrails, reasons.guardrails, evidence.revisions
    )
    row.save()
    return evidence


def _is_superseded(evidence: Evidence, row: ResultsSummary) -> bool:
    """Return whether the summary was stored after the evidence was loaded."""
    if row.judged_at is not None and row.judged_at > evidence.current_at:
        return True
    as_of = evidence.cube.as_of  # the clocks of two machines may differ
    return row.as_of is not None and (as_of is None or row.as_of > as_of)


def _build_summary(
    optimization: Optimization, evidence: Evidence, reasons: CountedReasons
) -> dict[str, Any]:
    """Return the fields of the summary, but for the guardrails."""
    return {
        **summary_figures.build_figures(evidence.comparison.lift),
        "exposures": int(evidence.cube.arrays.exposures.sum()),
        **_build_user_figures(evidence.cube),
        "as_of": reasons.as_of,
        "check_reasons": [asdict(reason) for reason in reasons.checks],
        "counted_revisions": {
            str(metric_id): number for metric_id, number in evidence.revisions.items()
        },
        "judged_at": evidence.current_at,
        "first_week_users": anytime_tuning.find_first_week_users(
            optimization, evidence.cube
        ),
    }


def _build_user_figures(cube: ObservationCube) -> dict[str, Any]:
    """Return how many users were counted, and the newest day that has any."""
    users, days = cube.arrays.users, cube.arrays.day
    with_users = days[users > 0]
    return {
        "users": int(users.sum()),
        "newest_user_day": date.fromordinal(int(with_users.max()))
        if len(with_users)
        else None,
    }


def judge_copied_summaries(limit: int = MAX_JUDGED) -> int:
    """Judge summaries taken over from an earlier version; return how many there were.

    At most `limit` at once: their counts are loaded one after the other.
    """
    rows = ResultsSummary.objects.filter(judged_at=None).select_related(
        "optimization__model", "optimization__reward_metric"
    )
    copied = list(rows.order_by("pk")[:limit])
    for row in copied:
        store_summary(row.optimization, collect_evidence(row.optimization))
    return len(copied)
