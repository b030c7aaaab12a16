"""What the health is judged by: the counts, their checks and the guardrails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from metrics.stats import BaselineSanity
from models_app import versions
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.checks import (
    calibration,
    frequent_id,
    logged_levels,
    whale_check,
)
from optimizations.results.health import (
    guardrails,
    health_records,
    redefined_guardrails,
    unread_amounts,
)
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.health.health import (
    BROKEN_CODES,
    NOT_JUDGED,
    HealthReason,
)
from optimizations.results.health.redefined_guardrails import PastKey, Verdict
from optimizations.results.lift import (
    measured_lift,
)
from optimizations.results.lift.measured_lift import Comparison
from optimizations.results.stored import StoredCubes

Checks = dict[str, Any]
ONE_ID = "one_id"
LEARNED_BROKEN = "the last training learned from arms that cannot be compared; the next one learns again"


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


def explain_broken_counts(
    optimization: Optimization, cube: ObservationCube
) -> str | None:
    """Return why nothing that is learned from these counts can be relied on, or None."""
    checks = {
        **measured_lift.check_traffic(optimization, cube),
        **logged_levels.check_logged_levels(optimization, cube),
    }
    return LEARNED_BROKEN if _is_broken(checks) else None


def judge_model(
    checks: Mapping[str, Any], sanity: BaselineSanity | None
) -> BaselineSanity | None:
    """Return the check of the model; it says nothing while the arms are not alike.

    A holdout that lost users is no measure of a model that learned from the same users.
    """
    if sanity is None or not _is_broken(checks):
        return sanity
    return replace(sanity, ok=None, z=None, reason=NOT_JUDGED)


def _is_broken(checks: Mapping[str, Any]) -> bool:
    return any(checks[code].ok is False for code in BROKEN_CODES)


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
    compared = {
        **measured_lift.check_traffic(optimization, cube),
        **logged_levels.check_logged_levels(optimization, cube),
    }
    return {
        **compared,
        **({ONE_ID: frequent_id.check_one_id(optimization)} if reads_events else {}),
        "baseline_sanity": judge_model(compared, sanity),
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
