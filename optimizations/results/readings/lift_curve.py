"""The measured lift of each published day, under the names that results use."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from metrics.stats import Interval
from metrics.stats.means import OpenInterval
from optimizations.configuration import notes
from optimizations.models import Optimization
from optimizations.results.health.health import Health
from optimizations.results.lift.measured_lift import OPEN_NOTE
from optimizations.results.readings import history
from optimizations.results.readings.history import LiftHistoryDay

MarkKind = Literal["regime", "note"]
PREFIX = "measured_"
CURVE_FIGURES = (*history.MEASURED_FIGURES, "users")


@dataclass(frozen=True, slots=True)
class LiftCurveDay:
    """The measured lift as it was published on a day."""

    date: date
    users: Annotated[int | None, "Mature users of both arms, whom the lift compares."]
    lift_percent: float | None
    lift_ci: Annotated[Interval | None, "95% at one look."]
    lift_ci_anytime: Annotated[Interval | None, "95% at any number of looks together."]
    difference: Annotated[
        float | None, "Per user, in units of the value: also where no percentage is."
    ]
    difference_ci: Annotated[OpenInterval | None, OPEN_NOTE]
    difference_ci_anytime: Annotated[OpenInterval | None, OPEN_NOTE]
    health: Annotated[
        Health | None, "As published on that day. Null for days of earlier versions."
    ]
    as_of: Annotated[
        datetime, "When the warehouse last counted before it was published."
    ]
    unavailable: dict[str, str]


@dataclass(frozen=True, slots=True)
class LiftCurveMark:
    """What happened on a day (UTC), to be drawn over the curve."""

    date: date
    kind: Annotated[
        MarkKind,
        "`regime`: the configuration changed, and a new regime began. `note`: somebody "
        "wrote it down.",
    ]
    text: str


@dataclass(frozen=True, slots=True)
class LiftCurve:
    """The measured lift, day by day, oldest first; `health` is that of now."""

    health: Health
    as_of: Annotated[datetime | None, "That of the last day."]
    notes: Annotated[list[str], "What the counts lack; people's notes are `marks`."]
    daily: list[LiftCurveDay]
    marks: Annotated[list[LiftCurveMark], "The oldest day first."]


def build_lift_curve(optimization: Optimization) -> LiftCurve:
    """Return the measured figures of the lift history, with nothing modeled beside."""
    published = history.build_lift_history(optimization)
    return LiftCurve(
        health=published.health,
        as_of=published.as_of,
        notes=published.notes,
        daily=[_select_measured(day) for day in published.daily],
        marks=_list_marks(optimization),
    )


def _list_marks(optimization: Optimization) -> list[LiftCurveMark]:
    """Return the regimes after the first, which going live began, and the notes."""
    regimes = optimization.regimes.filter(number__gt=1).order_by("number")
    marks = [
        LiftCurveMark(regime.starts_at.astimezone(UTC).date(), "regime", regime.reason)
        for regime in regimes
    ]
    marks += [
        LiftCurveMark(note.date, "note", note.text)
        for note in notes.list_day_notes(optimization)
    ]
    return sorted(marks, key=lambda mark: mark.date)


def _select_measured(day: LiftHistoryDay) -> LiftCurveDay:
    reasons = {
        name.removeprefix(PREFIX): reason for name, reason in day.unavailable.items()
    }
    return LiftCurveDay(
        date=day.date,
        users=day.users,
        lift_percent=day.measured_lift_percent,
        lift_ci=day.measured_lift_ci,
        lift_ci_anytime=day.measured_lift_ci_anytime,
        difference=day.measured_difference,
        difference_ci=day.measured_difference_ci,
        difference_ci_anytime=day.measured_difference_ci_anytime,
        health=day.health,
        as_of=day.as_of,
        unavailable={
            name: reasons[name]
            for name in (*CURVE_FIGURES, "health")
            if name in reasons
        },
    )
