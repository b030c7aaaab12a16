"""How far an optimization is: users, the leading variant, the forecast of a decision."""

from dataclasses import dataclass
from datetime import date, datetime
from math import isclose
from typing import Annotated

from django.utils import timezone

from metrics.stats import DecisionForecast
from models_app import versions
from models_app.models import StoredReport
from models_app.state import NOT_TRAINED
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import (
    calibration,
    count_notes,
    decision_forecast,
    health_records,
    stored,
)
from optimizations.results.health import Health

TRAINED_FIELDS = ("estimated_progress", "winner", "stable_since")
EQUAL_SHARES = "all variants get the same share: there is no winner"
POLICY_CHANGED = "the policy changed since it was last published"
FORECAST_FIELDS = ("days_to_decision", "days_to_decision_interval")


@dataclass(frozen=True, slots=True)
class ArmUsers:
    """Users of both arms."""

    optimized: int
    holdout: int


@dataclass(frozen=True, slots=True)
class Winner:
    """The variant that gets the largest share of the optimized arm."""

    number: int
    share: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an optimization is."""

    health: Health
    as_of: Annotated[datetime | None, "When the warehouse last counted the reward."]
    notes: list[str]
    days_running: int
    users: ArmUsers
    conversions: int
    estimated_progress: Annotated[float | None, "0 to 1."]
    winner: Winner | None
    stable_since: date | None
    days_to_decision: Annotated[
        int | None,
        "Days until lift_ci_anytime is expected to exclude zero: the median.",
    ]
    days_to_decision_interval: Annotated[
        tuple[int | None, int | None] | None,
        "Central 95%. The upper end is null if it is more than a year away.",
    ]
    unavailable: dict[str, str]


def build_progress(optimization: Optimization) -> Progress:
    """Return how far it is, from stored counts and the report of the last training.

    The winner has the largest share of the optimized arm's traffic by the policy of the
    last training; there is none if all shares are equal. `stable_since` is the first of
    the latest published days that all name this winner. `days_to_decision` comes from
    `decision_forecast.forecast_decision`.
    """
    cube = stored.load_reward_cube(optimization)
    version = versions.find_serving_version(optimization.model)
    report = (version and version.report) or {}
    distrusted = _find_distrust_reason(optimization, report, cube)
    arms = aggregates.count_by_key(cube.arrays, cube.arrays.holdout)
    forecast = _forecast_decision(optimization, report, cube, distrusted)
    winner = find_winner(report)
    since = _find_stable_since(optimization, winner)
    return Progress(
        health=health_records.load_health(optimization),
        as_of=cube.as_of,
        notes=count_notes.list_notes(cube),
        days_running=_count_days_running(optimization),
        users=ArmUsers(
            optimized=arms.get((False,), aggregates.Counts()).users,
            holdout=arms.get((True,), aggregates.Counts()).users,
        ),
        conversions=sum(counts.conversions for counts in arms.values()),
        estimated_progress=None if distrusted else report.get("estimated_progress"),
        winner=winner,
        stable_since=since,
        days_to_decision=forecast.days,
        days_to_decision_interval=(
            None if forecast.days is None else (forecast.lo, forecast.hi)
        ),
        unavailable={
            **({} if report else dict.fromkeys(TRAINED_FIELDS, NOT_TRAINED)),
            **({"estimated_progress": distrusted} if distrusted else {}),
            **(_explain_missing_winner(winner, since) if report else {}),
            **_explain_missing_forecast(forecast),
        },
    )


def find_winner(report: StoredReport) -> Winner | None:
    """Return the variant with the largest weight, and its share of the optimized arm.

    Return None if all served variants get the same share.
    """
    rows = report.get("variants", ())
    weights = {row["number"]: row["weight"] for row in rows if row["weight"]}
    total = sum(weights.values())
    if not total:
        return None
    if len(weights) > 1 and isclose(min(weights.values()), max(weights.values())):
        return None
    number = max(weights, key=lambda variant: (weights[variant], -variant))
    return Winner(number, weights[number] / total)


def _count_days_running(optimization: Optimization) -> int:
    ended = optimization.ended_at or optimization.shipped_at or timezone.now()
    return max((ended - (optimization.went_live_at or ended)).days, 0)


def _find_distrust_reason(
    optimization: Optimization, report: StoredReport, cube: ObservationCube
) -> str | None:
    if not report:
        return None
    metric = stored.require_reward_metric(optimization)
    return calibration.find_distrust_reason(report, cube, metric)


def _forecast_decision(
    optimization: Optimization,
    report: StoredReport,
    cube: ObservationCube,
    distrusted: str | None,
) -> DecisionForecast:
    if not report or distrusted:
        return DecisionForecast(None, reason=distrusted or NOT_TRAINED)
    return decision_forecast.forecast_decision(optimization, report, cube)


def _explain_missing_forecast(forecast: DecisionForecast) -> dict[str, str]:
    if forecast.days is None:
        return dict.fromkeys(FORECAST_FIELDS, forecast.reason or "")
    if forecast.hi is None:
        return {"days_to_decision_interval[1]": decision_forecast.BEYOND_FORECAST}
    return {}


def _find_stable_since(
    optimization: Optimization, winner: Winner | None
) -> date | None:
    days = optimization.published_days.order_by("-day").values_list(
        "day", "figures__winner"
    )
    since = None
    for day, number in days:
        if winner is None or number != winner.number:
            break
        since = day
    return since


def _explain_missing_winner(
    winner: Winner | None, since: date | None
) -> dict[str, str]:
    if winner is None:
        return dict.fromkeys(("winner", "stable_since"), EQUAL_SHARES)
    return {} if since else {"stable_since": POLICY_CHANGED}
