"""Judge guardrails that were redefined before anybody knew whether they were violated.

The counts that follow the change count the users of before by what the guardrail was
then, and judge them until the horizon of all of them is over.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import numpy as np

from metrics import revisions
from metrics.models import Metric
from optimizations.configuration import past_violations
from optimizations.cube import replaced_counts
from optimizations.cube.refresh import NO_LAGS, ObservationCube
from optimizations.cube.replaced_counts import ReplacedCounts
from optimizations.models import Optimization, ResultsSummary
from optimizations.models.summary import Json
from optimizations.results.health import guardrails, health
from optimizations.results.health.health import HealthReason
from optimizations.results.stored import StoredCubes

# Metric, revision and direction of a past violation, and when it ended.
PastKey = tuple[str, int, str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reason if it was violated; `is_final` says that no later count can change it."""

    reason: HealthReason | None
    is_final: bool


def get_key(violation: Json) -> PastKey:
    """Return what tells a past violation from others."""
    # Those of earlier versions have the day alone.
    ended_at = str(violation.get("ended_at", violation["ended_on"]))
    return (
        violation["metric_id"],
        violation["revision"],
        violation["direction"],
        ended_at,
    )


def judge_redefined(
    optimization: Optimization, cubes: StoredCubes
) -> Mapping[PastKey, Verdict]:
    """Return the verdict on each guardrail that was redefined, as long as it is open.

    Those that nothing has counted since are missing.
    """
    row = ResultsSummary.objects.filter(optimization=optimization).first()
    unknown = [
        past
        for past in (row.past_violations if row else ())
        if past["cause"] == past_violations.REDEFINED
        and past["reason"]["code"] == past_violations.NOT_COUNTED
    ]
    metrics = Metric.objects.in_bulk({UUID(past["metric_id"]) for past in unknown})
    horizon = _load_horizon(optimization)
    verdicts = {}
    for past in unknown:
        metric = metrics.get(UUID(past["metric_id"]))
        if metric is None:
            continue
        was = _restore(metric, past)
        counts = replaced_counts.load_replaced_counts(
            optimization, metric, past["revision"], _find_end(past)
        )
        if was is not None and counts is not None and _is_whole(counts, cubes):
            reason = _judge(optimization, was, counts)
            # By its direction alone the users of before are not told from later ones.
            is_over = counts.as_of >= _find_end(past) + horizon
            verdicts[get_key(past)] = Verdict(reason, is_over or counts.is_mature)
    return verdicts


def _load_horizon(optimization: Optimization) -> timedelta:
    attribution = optimization.model.training_data_config["attribution"]
    return timedelta(hours=attribution["horizon_hours"])


def _restore(metric: Metric, past: Json) -> Metric | None:
    """Return the metric as it was, unsaved; None if nobody knows what that is."""
    definition = revisions.load_definitions(metric).get(past["revision"])
    if definition is None:
        return None
    was = copy.copy(metric)
    revisions.restore_definition(was, definition)
    was.direction = past["direction"]
    return was


def _find_end(past: Json) -> datetime:
    """Return when it was redefined; of earlier versions' entries the end of that day."""
    if "ended_at" in past:
        return datetime.fromisoformat(past["ended_at"])
    next_day = date.fromisoformat(past["ended_on"]) + timedelta(days=1)
    return datetime.combine(next_day, time(), UTC)


def _is_whole(counts: ReplacedCounts, cubes: StoredCubes) -> bool:
    """Return whether no user is missing whom the reward has in the same regimes."""
    reward = cubes.load_reward_cube().split_arrays
    expected = int(reward.users[np.isin(reward.regime, counts.regimes)].sum())
    return sum(int(day.columns["users"].sum()) for day in counts.days) >= expected


def _judge(
    optimization: Optimization, was: Metric, counts: ReplacedCounts
) -> HealthReason | None:
    cube = ObservationCube(counts.days, NO_LAGS, 0, 0, counts.as_of)
    share = guardrails.load_share(optimization, was)
    guardrail = guardrails.judge_counts(optimization, was, cube, share)
    if guardrail.status != "violated":
        return None
    return health.describe_violated_guardrail(guardrail)
