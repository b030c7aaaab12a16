"""The lift by segment, measured and modeled, and which context factors matter."""

from levered_site.admin import html
from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.intervals import find_tone
from levered_site.charts.units import LIFT
from metrics.stats import Interval
from optimizations.results.readings.report import Results
from optimizations.results.reasons import describe_missing

IMPROVEMENT = "stats.estimated_improvement_percent"
REWARDS = "variants.expected_reward_mean"
SEGMENTS = Heading(
    "segments",
    "Lift by segment",
    "Optimized users against the holdout, among those with each level of a context factor.",
)


def draw_segments(results: Results, *, is_less_better: bool) -> Element:
    """Return the measured lift at each level that has users, with its best variant.

    While the arms cannot be compared, and where every level lacks its lift for the same
    reason, return the reason instead.
    """
    if results.health.status == "broken":
        return build_sentence(SEGMENTS, results.health.reasons[0].message)
    rows: list[ForestRow] = []
    for place, row in enumerate(results.contexts or ()):
        if row.share == 0:
            continue
        low, high = row.lift_ci_anytime or (None, None)
        best = "" if row.best_variant is None else f"no. {row.best_variant} best"
        rows.append(
            ForestRow(
                f"{row.factor}: {row.level}",
                row.lift_percent,
                low,
                high,
                best,
                find_tone((low, high), is_less_better=is_less_better),
                results.unavailable.get(f"contexts[{place}].lift_percent", "")
                if row.lift_percent is None
                else "",
            )
        )
    reasons = {row.withheld for row in rows}
    if len(reasons) == 1 and not any(row.has_interval for row in rows) and all(reasons):
        return build_sentence(SEGMENTS, describe_missing(reasons.pop()))
    return build_forest(SEGMENTS, rows, unit=LIFT, row_name="segment")


def describe_model_lift(results: Results) -> str:
    """Return what is served and what leads over the baseline, or why it is not said.

    Empty where the chart of what variants earn is withheld for the same reason.
    """
    reason = results.unavailable.get(REWARDS)
    if reason and reason == results.unavailable.get(IMPROVEMENT):
        return ""
    stats = results.stats
    served = _describe_lift(
        results,
        IMPROVEMENT,
        stats.estimated_improvement_percent,
        stats.estimated_improvement_interval,
    )
    if stats.best_variant is None:
        return f"What is served now against the baseline: {served}."
    best = _describe_lift(
        results,
        "stats.best_vs_baseline_percent",
        stats.best_vs_baseline_percent,
        stats.best_vs_baseline_interval,
    )
    return (
        f"What is served now against the baseline: {served}. Variant "
        f"{stats.best_variant} leads: {best}."
    )


def _describe_lift(
    results: Results, name: str, percent: float | None, interval: Interval | None
) -> str:
    if percent is None:
        return results.unavailable.get(name, html.NO_VALUE)
    limits = html.format_interval(interval, signed=True)
    return f"{html.format_percent(percent, signed=True)} ({limits})"
