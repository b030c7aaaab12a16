"""The companions of amounts: three intervals, and one sentence whether revenue changed."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.charts.figure import Heading
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.intervals import find_tone
from levered_site.charts.units import LIFT
from optimizations.results.health.health import explain_broken, format_p
from optimizations.results.lift.measured_lift import RESULT_NAME
from optimizations.results.readings.report import Results
from optimizations.results.reasons import describe_missing

TITLE = "Beside the mean"
DESCRIPTION = (
    "What a mean of amounts cannot show, optimized against holdout, with the intervals "
    "that hold at every look."
)


@dataclass(frozen=True, slots=True)
class Companions:
    """The chart of the companions and the sentence below it."""

    chart: SafeString
    sentence: str


def build_companions(results: Results) -> Companions | None:
    """Return the companions; None unless the reward has amounts.

    While the arms cannot be compared the sentence is the reason, and there is no chart.
    """
    measured = results.primary_metric_vs_holdout
    if measured.companions is None or measured.changed is None:
        return None
    if reason := explain_broken(results.health):
        return Companions(SafeString(""), describe_missing(reason))
    cap = measured.cap
    titles = {
        "capped_revenue": "Revenue per user"
        + (f", at most {html.format_number(cap)} of each" if cap else ", capped"),
        "payer_rate": "Share of users who paid",
        "typical_payment": "Typical payment of those who paid",
    }
    rows = []
    for name, title in titles.items():
        companion = getattr(measured.companions, name)
        low, high = companion.lift_ci_anytime or (None, None)
        full_name = f"{RESULT_NAME}.companions.{name}"
        reasons = (
            results.unavailable.get(f"{full_name}.{figure}", "")
            for figure in ("lift_percent", "lift_ci_anytime")
        )
        rows.append(
            ForestRow(
                title,
                companion.lift_percent,
                low,
                high,
                tone=find_tone((low, high), is_less_better=False),
                withheld=next(filter(None, reasons), ""),
            )
        )
    level = f"{measured.companions.payer_rate.level:.1%}"
    return Companions(
        html.render_charts(
            build_forest(
                Heading("companions", TITLE, DESCRIPTION),
                rows,
                unit=LIFT,
                row_name="figure",
                interval_name=f"{level} at every look",
            )
        ),
        _describe_change(results),
    )


def _describe_change(results: Results) -> str:
    changed = results.primary_metric_vs_holdout.changed
    p_value = changed.p_value_anytime if changed else None
    if p_value is None:
        reason = results.unavailable.get(f"{RESULT_NAME}.changed.p_value_anytime", "")
        return f"Has revenue changed in any of them? It cannot be said yet: {reason}."
    return (
        "Has revenue changed in any of them? At all looks together "
        f"p is {format_p(p_value)}."
    )
