"""What the health is judged by: checks and guardrails, judged and stored at each count."""

from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from metrics.stats import BaselineSanity
from models_app import versions
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, ResultsSummary
from optimizations.results import (
    anytime_tuning,
    calibration,
    check_reasons,
    frequent_id,
    guardrails,
    health_records,
    logged_levels,
    measured_lift,
    stored,
)
from optimizations.results.guardrails import Guardrail
from optimizations.results.health import Health
from optimizations.results.health_records import CountedReasons
from optimizations.results.measured_lift import Comparison
from optimizations.results.stored import StoredCubes

Checks = dict[str, Any]
MAX_JUDGED = 50


@dataclass(frozen=True, slots=True)
class Evidence:
    """The counts of the reward, their comparison, the checks and the guardrails."""

    cube: ObservationCube
    comparison: Comparison
    checks: Checks
    guardrails: list[Guardrail]


def refresh_results(optimization: Optimization, *, full: bool = False) -> None:
    """Have the warehouse count reward and guardrails, then judge and store the health.

    See `stored.refresh_counts`, which tells what this raises.
    """
    stored.refresh_counts(optimization, full=full)
    if optimization.went_live_at is not None:
        store_summary(optimization, collect_evidence(optimization))


def collect_evidence(
    optimization: Optimization, cubes: StoredCubes | None = None
) -> Evidence:
    """Load the stored counts and make every check."""
    cubes = cubes or StoredCubes(optimization)
    cube, metric = cubes.load_reward_cube(), optimization.reward_metric
    version = versions.find_serving_version(optimization.model)
    report = version.report if version else None
    sanity = None
    if report and metric:
        sanity = calibration.check_calibration(report, cube, metric)
    return Evidence(
        cube=cube,
        comparison=measured_lift.compare_arms(optimization, metric, cube),
        checks=build_checks(optimization, cube, sanity),
        guardrails=guardrails.judge_guardrails(optimization, cubes),
    )


def build_checks(
    optimization: Optimization, cube: ObservationCube, sanity: BaselineSanity | None
) -> Checks:
    """Return every check of the results by its name."""
    return {
        **measured_lift.check_traffic(optimization, cube),
        **logged_levels.check_logged_levels(optimization, cube),
        "one_id": frequent_id.check_one_id(optimization),
        "baseline_sanity": sanity,
        "age": health_records.check_age(optimization, cube.as_of),
    }


def judge_evidence(optimization: Optimization, evidence: Evidence) -> Health:
    """Return the health by evidence just collected."""
    return health_records.build_health(optimization, _list_reasons(evidence))


def judge_checks(
    optimization: Optimization, cube: ObservationCube, checks: Checks
) -> Health:
    """Return the health by checks just made, and the guardrails of the last count."""
    reasons = CountedReasons(
        check_reasons.describe_failed_checks(checks),
        health_records.load_reasons(optimization).guardrails,
        cube.as_of,
    )
    return health_records.build_health(optimization, reasons)


def judge_guardrails(optimization: Optimization, rows: list[Guardrail]) -> Health:
    """Return the health by guardrails just judged, and the checks of the last count."""
    stored_reasons = health_records.load_reasons(optimization)
    reasons = CountedReasons(
        stored_reasons.checks,
        guardrails.describe_violations(rows),
        stored_reasons.as_of,
    )
    return health_records.build_health(optimization, reasons)


def store_summary(optimization: Optimization, evidence: Evidence) -> None:
    """Store the lift and the reasons that are shown without counts until the next count."""
    lift, p_value = evidence.comparison.lift, evidence.comparison.lift.p_value_anytime
    reasons = _list_reasons(evidence)
    guardrails.store_violations(optimization, evidence.guardrails)
    first_week = anytime_tuning.find_first_week_users(optimization, evidence.cube)
    ResultsSummary.objects.update_or_create(
        optimization=optimization,
        defaults={
            "lift": lift.lift_percent,
            "difference": lift.difference,
            "difference_ci": lift.difference_ci,
            "difference_ci_anytime": lift.difference_ci_anytime,
            # It holds at all looks together, as the p-value does.
            "confidence": None if p_value is None else 1 - p_value,
            "exposures": int(evidence.cube.arrays.exposures.sum()),
            "as_of": reasons.as_of,
            "check_reasons": [asdict(reason) for reason in reasons.checks],
            "guardrail_reasons": {
                str(metric_id): asdict(reason)
                for metric_id, reason in reasons.guardrails.items()
            },
            "judged_at": timezone.now(),
            "first_week_users": first_week,
        },
    )


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


def _list_reasons(evidence: Evidence) -> CountedReasons:
    return CountedReasons(
        check_reasons.describe_failed_checks(evidence.checks),
        guardrails.describe_violations(evidence.guardrails),
        evidence.cube.as_of,
    )
