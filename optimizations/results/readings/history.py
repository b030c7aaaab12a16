"""The lift as it was published each day."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from metrics.stats import Interval
from metrics.stats.means import OpenInterval
from optimizations.cube import count_record
from optimizations.models import Optimization, PublishedDay
from optimizations.results import count_notes, stored
from optimizations.results.health import health_records
from optimizations.results.health.health import Health, HealthReason
from optimizations.results.lift.measured_lift import OPEN_NOTE, Comparison

NOT_PUBLISHED = "this figure was not published on that day"
MEASURED_FIGURES = (
    *("lift_percent", "lift_ci", "lift_ci_anytime"),
    *("difference", "difference_ci", "difference_ci_anytime"),
)
LIFT_FIGURES = (
    *("best_lift_percent", "best_lift_interval"),
    *("policy_lift_percent", "policy_lift_interval", "users"),
    *(f"measured_{name}" for name in MEASURED_FIGURES),
)


@dataclass(frozen=True, slots=True)
class LiftHistoryDay:
    """The lift as it was published on a day."""

    date: date
    health: Annotated[
        Health | None, "As published on that day. Null for days of earlier versions."
    ]
    as_of: Annotated[
        datetime, "When the warehouse last counted before it was published."
    ]
    unavailable: dict[str, str]
    users: Annotated[int | None, "Mature users of both arms, whom the lift compares."]
    measured_lift_ci: Annotated[Interval | None, "95% at one look."]
    measured_lift_ci_anytime: Annotated[
        Interval | None, "95% at any number of looks together."
    ]
    measured_difference: Annotated[
        float | None, "Per user, in units of the value: also where no percentage is."
    ]
    measured_difference_ci: Annotated[OpenInterval | None, OPEN_NOTE]
    measured_difference_ci_anytime: Annotated[OpenInterval | None, OPEN_NOTE]
    best_lift_percent: float | None
    best_lift_interval: Interval | None
    policy_lift_percent: float | None
    policy_lift_interval: Interval | None
    measured_lift_percent: float | None


@dataclass(frozen=True, slots=True)
class LiftHistory:
    """The lift, day by day, oldest first; `health` is that of now."""

    health: Health
    as_of: Annotated[datetime | None, "That of the last day."]
    notes: list[str]
    daily: list[LiftHistoryDay]


def publish_day(
    optimization: Optimization, figures: dict[str, Any], now: datetime
) -> None:
    """Store today's figures (UTC) as published last. Past days never change."""
    PublishedDay.objects.update_or_create(
        optimization=optimization,
        day=now.astimezone(UTC).date(),
        defaults={"figures": figures, "published_at": now},
    )


def find_day(optimization: Optimization, now: datetime) -> PublishedDay | None:
    """Return what was published today (UTC), or None."""
    return optimization.published_days.filter(day=now.astimezone(UTC).date()).first()


def build_measured_figures(
    comparison: Comparison, as_of: datetime | None
) -> dict[str, Any]:
    """Return the measured figures of a day to publish; nulls with their reasons."""
    lift, unavailable = comparison.lift, {}
    figures: dict[str, Any] = {
        "as_of": as_of and as_of.isoformat(),
        "users": lift.optimization_users + lift.holdout_users,
    }
    for name in MEASURED_FIGURES:
        figures[f"measured_{name}"] = getattr(lift, name)
        if name in lift.unavailable:
            unavailable[f"measured_{name}"] = lift.unavailable[name]
    return figures | {"unavailable": unavailable}


def build_lift_history(optimization: Optimization) -> LiftHistory:
    """Return modeled and measured lift, each day as it was published that day."""
    daily = load_published_days(optimization)
    notes: list[str] = []
    if optimization.went_live_at is not None:
        metric = stored.require_reward_metric(optimization)
        notes = count_notes.list_notes(
            count_record.load_count_record(optimization, metric)
        )
    return LiftHistory(
        health=health_records.load_health(optimization),
        as_of=daily[-1].as_of if daily else None,
        notes=notes,
        daily=daily,
    )


def load_published_days(optimization: Optimization) -> list[LiftHistoryDay]:
    """Return each day as it was published that day, oldest first."""
    return [
        read_published_day(day) for day in optimization.published_days.order_by("day")
    ]


def encode_health(health: Health) -> dict[str, Any]:
    """Return a health as a published day stores it."""
    as_of = health.as_of
    return asdict(health) | {"as_of": as_of and as_of.isoformat()}


def _decode_health(document: Mapping[str, Any]) -> Health:
    as_of = document["as_of"]
    return Health(
        document["status"],
        [HealthReason(**reason) for reason in document["reasons"]],
        as_of and datetime.fromisoformat(as_of),
    )


def read_published_day(published: PublishedDay) -> LiftHistoryDay:
    """Return a stored day as the history has it."""
    # Days stored by earlier versions may lack figures and reasons.
    figures = published.figures
    missing = (name for name in (*LIFT_FIGURES, "health") if name not in figures)
    unavailable = dict.fromkeys(missing, NOT_PUBLISHED) | figures.get("unavailable", {})
    lifts = {name: figures.get(name) for name in LIFT_FIGURES}
    document, as_of = figures.get("health"), figures.get("as_of")
    return LiftHistoryDay(
        date=published.day,
        health=None if document is None else _decode_health(document),
        as_of=datetime.fromisoformat(as_of) if as_of else published.published_at,
        unavailable=unavailable,
        **lifts,
    )
