"""What the health is judged by: checks and guardrails, judged and stored at each count."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from metrics.stats import BaselineSanity
from models_app import versions
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, ResultsSummary
from optimizations.results import stored
from optimizations.results.checks import (
    calibration,
    frequent_id,
    logged_levels,
    whale_check,
)
from optimizations.results.health import (
    check_reasons,
    guardrails,
    health,
    health_records,
    missing_counts,
    redefined_guardrails,
    reward_harm,
    unread_amounts,
    violation_records,
)
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.health.health import Health, HealthReason
from optimizations.results.health.health_records import CountedReasons, HealthRows
from optimizations.results.health.redefined_guardrails import PastKey, Verdict
from optimizations.results.lift import (
    anytime_tuning,
    measured_amounts,
    measured_lift,
    summary_figures,
)
from optimizations.results.lift.measured_amounts import MeasuredAmounts
from optimizations.results.lift.measured_lift import Comparison
from optimizations.results.stored import StoredCubes
from optimizations.results.user_counts import UserCounter

Checks = dict[str, Any]
MAX_JUDGED = 50
ONE_ID = "one_id"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The counts of the reward, their comparison, the checks and the guardrails.

    `revisions` are those that the metrics were counted by, by their ids; a metric that
    was not counted as it is now is missing. `unread_guardrails` are the reasons of
    guardrails some of whose values are no amounts, `hidden_harm` those of guardrails whose
    mean hides harm, by their ids. `redefined` has what is known now of
    guardrails that were redefined before that. Everything stored until
    `current_at` is in it.
    """

    cube: ObservationCube
    comparison: Comparison
    checks: Checks
    guardrails: list[Guardrail]
    revisions: Mapping[UUID, int]
    unread_guardrails: Sequence[HealthReason] = ()
    hidden_harm: Mapping[UUID, HealthReason] = field(default_factory=dict)
    redefined: Mapping[PastKey, Verdict] = field(default_factory=dict)
    current_at: datetime = field(default_factory=timezone.now)


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
    revisions = _list_counted_revisions(optimization, cubes)
    return Evidence(
        cube=cube,
        comparison=measured_lift.compare_arms(optimization, metric, cube),
        checks=build_checks(optimization, cube, sanity),
        guardrails=guardrails.judge_guardrails(optimization, cubes),
        revisions=revisions,
        unread_guardrails=guardrails.describe_unread_amounts(optimization, cubes),
        hidden_harm=guardrails.describe_hidden_harm(optimization, cubes),
        redefined=redefined_guardrails.judge_redefined(optimization, cubes),
        current_at=cubes.current_at,
    )


def _list_counted_revisions(
    optimization: Optimization, cubes: StoredCubes
) -> dict[UUID, int]:
    """Return the revision of each metric whose last count was by the present one.

    A count that finds no exposure stores nothing; then nothing but a failure tells one
    metric that was counted from one that was not.
    """
    metric = optimization.reward_metric
    if metric is None or optimization.went_live_at is None:
        return {}
    failed = set(optimization.count_failures.values_list("metric_id", flat=True))
    is_empty = cubes.load_reward_cube().as_of is None
    return {
        counted.pk: counted.revision
        for counted in (metric, *optimization.guardrail_metrics.all())
        if (
            is_empty and counted.pk not in failed
            if (cube := cubes.load_cube(counted)).as_of is None
            else cube.revised_at is None or cube.as_of >= cube.revised_at
        )
    }


def build_checks(
    optimization: Optimization,
    cube: ObservationCube,
    sanity: BaselineSanity | None,
    *,
    reads_events: bool = True,
) -> Checks:
    """Return every check of the results by its name.

    Without `reads_events` the one that reads the latest events is missing.
    """
    return {
        **measured_lift.check_traffic(optimization, cube),
        **logged_levels.check_logged_levels(optimization, cube),
        **({ONE_ID: frequent_id.check_one_id(optimization)} if reads_events else {}),
        "baseline_sanity": sanity,
        **_check_amounts(optimization, cube),
        "age": health_records.check_age(optimization, cube.as_of),
    }


def _check_amounts(optimization: Optimization, cube: ObservationCube) -> Checks:
    """Return the checks that only rewards with amounts have."""
    metric = optimization.reward_metric
    whales = whale_check.check_whales(metric, cube)
    if whales is None:
        return {}
    return {
        "whales": whales,
        "unread_amounts": unread_amounts.check_amounts(metric, cube),
    }


def judge_evidence(optimization: Optimization, evidence: Evidence) -> Health:
    """Return the health by evidence just collected."""
    return health_records.build_health(
        optimization, _list_reasons(optimization, evidence)
    )


def judge_checks(
    optimization: Optimization,
    cube: ObservationCube,
    comparison: Comparison,
    checks: Checks,
    amounts: MeasuredAmounts,
    rows: HealthRows | None = None,
) -> Health:
    """Return the health by a lift and checks just made, and guardrails of the last count.

    `amounts` are the companions of the lift. Of a check that was not made now, what the
    last count said stays.
    """
    rows = rows or health_records.load_health_rows(optimization)
    counted = rows.counted
    kept = {unread_amounts.GUARDRAIL_CODE, *({ONE_ID} - checks.keys())}
    of_last_count = [reason for reason in counted.checks if reason.code in kept]
    reasons = replace(
        counted,
        checks=[
            *_list_check_reasons(
                optimization, cube, comparison, checks, amounts, counted.revisions
            ),
            *of_last_count,
        ],
        as_of=cube.as_of,
    )
    return health_records.judge_optimization(
        optimization, reasons, rows.attached, rows.failures
    )


def judge_guardrails(
    optimization: Optimization, judged: list[Guardrail], rows: HealthRows | None = None
) -> Health:
    """Return the health by guardrails just judged, and the checks of the last count."""
    rows = rows or health_records.load_health_rows(optimization)
    counted = rows.counted.guardrails.items()
    hidden = {pk: r for pk, r in counted if r.code == health.GUARDRAIL_HARM}
    violations = hidden | guardrails.describe_violations(judged)
    return health_records.judge_optimization(
        optimization,
        replace(rows.counted, guardrails=violations),
        rows.attached,
        rows.failures,
    )


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
    reasons = _list_reasons(optimization, evidence)
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


def _list_reasons(optimization: Optimization, evidence: Evidence) -> CountedReasons:
    counted = health_records.load_reasons(optimization)
    return CountedReasons(
        checks=[
            *_list_check_reasons(
                optimization,
                evidence.cube,
                evidence.comparison,
                evidence.checks,
                measured_amounts.measure_amounts(
                    optimization,
                    optimization.reward_metric,
                    evidence.cube,
                    evidence.comparison.tuning,
                ),
                evidence.revisions,
            ),
            *evidence.unread_guardrails,
        ],
        guardrails={
            **evidence.hidden_harm,
            **guardrails.describe_violations(evidence.guardrails),
        },
        as_of=evidence.cube.as_of,
        past=counted.past,
        revisions=evidence.revisions,
    )


def _list_check_reasons(
    optimization: Optimization,
    cube: ObservationCube,
    comparison: Comparison,
    checks: Checks,
    amounts: MeasuredAmounts,
    revisions: Mapping[UUID, int] | None,
) -> list[HealthReason]:
    """Return the reasons of failed checks, of harm, and of what a count misses."""
    reasons = [
        *check_reasons.describe_failed_checks(checks),
        *reward_harm.describe_harm(optimization.reward_metric, comparison, amounts),
        *reward_harm.describe_earlier_harm(optimization, cube, comparison),
    ]
    was_counted = cube.as_of is not None or optimization.reward_metric_id in (
        revisions or {}
    )
    if optimization.went_live_at is None or not was_counted:
        return reasons
    counts = UserCounter(optimization.reward_metric, cube).count_all()
    return [
        *reasons,
        *missing_counts.describe_missing_users(counts.users, counts.mature_users),
        *missing_counts.describe_missing_rewards(
            counts.mature_users, counts.rewarded_users
        ),
    ]
