"""The lift over time in the panel, from what was published each day."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date as calendar_date
from typing import Protocol

from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.intervals import Tone, build_interval_bar, find_tone
from levered_site.charts.line_band import build_line_chart
from levered_site.charts.line_band_points import DayMark, DayPoint
from levered_site.charts.units import CHANGE, LIFT
from metrics.models import Metric
from optimizations.models import Optimization, Regime, ResultsSummary
from optimizations.results.health.health import Health
from optimizations.results.readings.history import LiftHistoryDay

DECIDED = "decided: the band stays {side} 0"
BAR_REACH = 50.0  # percent at both edges of the bars in a list
HEADING = Heading(
    "lift-over-time",
    "Lift over time",
    "Optimized users against the holdout, by day as published. The wide band holds at "
    "every look together, the narrow one at a single look.",
)


class DayNote(Protocol):
    """What somebody noted on a day."""

    @property
    def date(self) -> calendar_date: ...
    @property
    def text(self) -> str: ...


def draw_lift(
    health: Health,
    daily: Sequence[LiftHistoryDay],
    regimes: Iterable[Regime],
    notes: Iterable[DayNote] = (),
    *,
    is_less_better: bool = False,
) -> Element:
    """Return the measured lift by day; while the split is broken the reason instead.

    Where no day has a percentage, the difference per user is drawn.
    """
    if health.status == "broken":
        reason = health.reasons[0]
        return build_sentence(HEADING, f"{reason.message} {reason.next}")
    has_lift = any(day.measured_lift_percent is not None for day in daily)
    has_difference = any(day.measured_difference is not None for day in daily)
    in_percent = has_lift or not has_difference
    build_point = _build_lift_point if in_percent else _build_difference_point
    points = [_withhold_broken_day(day) or build_point(day) for day in daily]
    return build_line_chart(
        HEADING,
        points,
        [
            *_list_regime_marks(regimes),
            *(DayMark(note.date, note.text) for note in notes),
            *_mark_decision(points, is_less_better=is_less_better),
        ],
        unit=LIFT if in_percent else CHANGE,
        value_name="lift" if in_percent else "difference per user",
    )


def _withhold_broken_day(day: LiftHistoryDay) -> DayPoint | None:
    """Return a gap with its reason for a day on which the split was broken."""
    if day.health is None or day.health.status != "broken":
        return None
    return DayPoint(day.date, None, withheld=day.health.reasons[0].message)


def _build_lift_point(day: LiftHistoryDay) -> DayPoint:
    return DayPoint(
        day.date,
        day.measured_lift_percent,
        day.measured_lift_ci_anytime,
        day.measured_lift_ci,
        _find_reason(day, "measured_lift_percent"),
    )


def _build_difference_point(day: LiftHistoryDay) -> DayPoint:
    return DayPoint(
        day.date,
        day.measured_difference,
        day.measured_difference_ci_anytime,
        day.measured_difference_ci,
        _find_reason(day, "measured_difference"),
    )


def _find_reason(day: LiftHistoryDay, name: str) -> str:
    return day.unavailable.get(name, "") if getattr(day, name) is None else ""


def _list_regime_marks(regimes: Iterable[Regime]) -> list[DayMark]:
    """Return a mark for each change of the configuration; going live is none."""
    return [
        DayMark(regime.starts_at.astimezone(UTC).date(), regime.reason, "regime")
        for regime in regimes
        if regime.number > 1
    ]


def _mark_decision(
    points: Sequence[DayPoint], *, is_less_better: bool
) -> list[DayMark]:
    """Return the first day of those up to the last whose band is on one side of zero."""
    tone: Tone = "neutral"
    first = None
    for point in points:
        here = find_tone(point.outer or (None, None), is_less_better=is_less_better)
        first = point.day if here != tone else first
        tone = here
    if first is None or tone == "neutral":
        return []
    side = "above" if (tone == "good") != is_less_better else "below"
    kind = "decided" if tone == "good" else "harmed"
    return [DayMark(first, DECIDED.format(side=side), kind)]


def draw_lift_bar(
    summary: ResultsSummary, *, is_less_better: bool, is_trusted: bool = True
) -> Element | None:
    """Return the interval of the lift as of the last count, None without one.

    All are drawn to one scale, so that the rows of a list can be compared. One that is
    not trusted is never drawn as good.
    """
    if summary.lift_ci_anytime is None:
        return None
    low, high = summary.lift_ci_anytime
    ends = " and ".join(map(LIFT.format_value, (low, high)))
    tone = find_tone((low, high), is_less_better=is_less_better)
    return build_interval_bar(
        f"lift-{summary.optimization_id}",
        f"Lift {LIFT.format_value(summary.lift)}. 95% sure, at every look: between {ends}.",
        (low, high),
        summary.lift,
        BAR_REACH,
        "watch" if tone == "good" and not is_trusted else tone,
    )


def is_less_better(optimization: Optimization) -> bool:
    """Return whether a negative lift of the reward is an improvement."""
    metric = optimization.reward_metric
    return metric is not None and metric.direction == Metric.Direction.DECREASE
