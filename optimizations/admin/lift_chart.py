"""The lift over time in the panel, from what was published each day."""

from collections.abc import Iterable, Sequence
from datetime import UTC

from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.intervals import build_interval_bar
from levered_site.charts.line_band import build_line_chart
from levered_site.charts.line_band_layout import DayMark, DayPoint
from levered_site.charts.units import LIFT
from optimizations.models import Regime, ResultsSummary
from optimizations.results.health import Health
from optimizations.results.history import LiftHistoryDay

DECIDED_ABOVE = "decided: the band stays above 0"
DECIDED_BELOW = "decided: the band stays below 0"
BAR_REACH = 50.0  # percent at both edges of the bars in a list
HEADING = Heading(
    "lift-over-time",
    "Lift over time",
    "Optimized users against the holdout, by day as published. The wide band holds at "
    "every look together, the narrow one at a single look.",
)


def draw_lift(
    health: Health, daily: Sequence[LiftHistoryDay], regimes: Iterable[Regime]
) -> Element:
    """Return the measured lift by day; while the split is broken the reason instead."""
    if health.status == "broken":
        reason = health.reasons[0]
        return build_sentence(HEADING, f"{reason.message} {reason.next}")
    points = [_build_point(day) for day in daily]
    marks = [*_list_regime_marks(regimes), *_mark_decision(points)]
    return build_line_chart(HEADING, points, marks, unit=LIFT, value_name="lift")


def _build_point(day: LiftHistoryDay) -> DayPoint:
    """Return a day's figures; a day on which the split was broken has none."""
    if day.health is not None and day.health.status == "broken":
        return DayPoint(day.date, None, withheld=day.health.reasons[0].message)
    withheld = day.unavailable.get("measured_lift_percent", "")
    return DayPoint(
        day.date,
        day.measured_lift_percent,
        day.measured_lift_ci_anytime,
        day.measured_lift_ci,
        "" if day.measured_lift_percent is not None else withheld,
    )


def _list_regime_marks(regimes: Iterable[Regime]) -> list[DayMark]:
    """Return a mark for each change of the configuration; going live is none."""
    return [
        DayMark(regime.starts_at.astimezone(UTC).date(), regime.reason, "regime")
        for regime in regimes
        if regime.number > 1
    ]


def _mark_decision(points: Sequence[DayPoint]) -> list[DayMark]:
    """Return the first day of those up to the last whose band is on one side of zero."""
    side, first = 0, None
    for point in points:
        here = _find_side(point)
        if here == 0:
            side, first = 0, None
        elif here != side:
            side, first = here, point.day
    if first is None:
        return []
    return [DayMark(first, DECIDED_ABOVE if side > 0 else DECIDED_BELOW, "decided")]


def _find_side(point: DayPoint) -> int:
    """Return 1 for a band above zero, -1 for one below, else 0."""
    low, high = point.outer or (0.0, 0.0)
    return (low > 0) - (high < 0)


def draw_lift_bar(summary: ResultsSummary) -> Element | None:
    """Return the interval of the lift as of the last count, None without one.

    All are drawn to one scale, so that the rows of a list can be compared.
    """
    if summary.lift_ci_anytime is None:
        return None
    low, high = summary.lift_ci_anytime
    limits = LIFT.format_interval(low, high)
    return build_interval_bar(
        f"lift-{summary.optimization_id}",
        f"Lift {LIFT.format_value(summary.lift)}, 95% at every look: {limits}",
        (low, high),
        summary.lift,
        BAR_REACH,
    )
