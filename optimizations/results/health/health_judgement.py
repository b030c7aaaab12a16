"""Judges the health: the reasons that evidence gives, or what was just read gives."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.health import (
    check_reasons,
    guardrails,
    health,
    health_records,
    missing_counts,
    reward_harm,
    unread_amounts,
)
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.health.health import Health, HealthReason
from optimizations.results.health.health_evidence import ONE_ID, Checks, Evidence
from optimizations.results.health.health_records import CountedReasons, HealthRows
from optimizations.results.lift import (
    measured_amounts,
)
from optimizations.results.lift.measured_amounts import MeasuredAmounts
from optimizations.results.lift.measured_lift import Comparison
from optimizations.results.user_counts import UserCounter


def judge_evidence(optimization: Optimization, evidence: Evidence) -> Health:
    """Return the health by evidence just collected."""
    return health_records.build_health(
        optimization, list_reasons(optimization, evidence)
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


def list_reasons(optimization: Optimization, evidence: Evidence) -> CountedReasons:
    """Return the reasons by evidence just collected, with those known of before."""
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
