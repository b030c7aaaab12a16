"""The guardrails in the panel: each with its status, interval and time of the counts."""

from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.intervals import Tone
from levered_site.charts.units import LIFT
from metrics.models import Metric
from optimizations.admin import measured_section
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.readings.guardrail_report import GuardrailList

TONES: dict[str, Tone] = {"violated": "bad", "unknown": "watch"}


def render_guardrails(report: GuardrailList) -> SafeString | str:
    """Return the guardrails as a chart with a table of all figures; empty without any."""
    if not report.guardrails:
        return ""
    table = html.render_table(
        (
            *("guardrail", "status", "holdout", "optimized", "change"),
            *("interval, however often one looks", "counts of"),
        ),
        (_list_cells(row) for row in report.guardrails),
    )
    notes = format_html_join(
        "",
        '<p class="staff-note">{}: {}</p>',
        ((row.name, note) for row in report.guardrails for note in _list_notes(row)),
    )
    return format_html(
        '{}{}<details class="opt-details"><summary>All figures of the guardrails</summary>'
        "{}</details>",
        draw_guardrails(report),
        notes,
        table,
    )


def draw_guardrails(report: GuardrailList) -> Element:
    """Return the change of each guardrail with its interval, around zero.

    While the split is broken return the reason instead.
    """
    heading = Heading(
        "guardrails",
        "Guardrails",
        "What must not suffer: the change of each metric, with the interval that holds "
        "however often one looks.",
    )
    if report.health.status == "broken":
        reason = report.health.reasons[0]
        return build_sentence(heading, f"{reason.message} {reason.next}")
    return build_forest(
        heading,
        [_build_forest_row(row) for row in report.guardrails],
        unit=LIFT,
        row_name="guardrail",
        interval_name="interval at every look",
    )


def _build_forest_row(row: Guardrail) -> ForestRow:
    low, high = row.lift_ci_anytime or (None, None)
    return ForestRow(
        row.name,
        row.lift_percent,
        low,
        high,
        row.status,
        TONES.get(row.status, "neutral"),
        row.unavailable.get("lift_percent", ""),
    )


def _list_cells(row: Guardrail) -> tuple[object, ...]:
    change, interval = _describe_change(row)
    return (
        html.render_row_link(Metric, row.metric_id, row.name),
        html.render_pill(row.status),
        _format_rate(row, row.holdout_rate),
        _format_rate(row, row.optimization_rate),
        change,
        interval,
        _format_time(row.as_of),
    )


def _describe_change(row: Guardrail) -> tuple[str, str]:
    """Return the lift and its interval; the difference where there is no percentage."""
    level = f"{100 * row.level:.3g}{html.NO_BREAK_SPACE}%"
    if row.lift_percent is None and row.p_value_anytime is not None:
        no_limits = row.unavailable.get("difference_ci_anytime", html.NO_VALUE)
        limits = measured_section.format_limits(row.difference_ci_anytime, no_limits)
        difference = measured_section.format_difference(row.difference)
        return f"{difference} per user", f"{level}: {limits}"
    interval = html.format_interval(row.lift_ci_anytime, signed=True)
    return (
        html.format_percent(row.lift_percent, signed=True),
        row.unavailable.get("lift_ci_anytime", interval)
        if interval == html.NO_VALUE
        else f"{level}: {interval}",
    )


def _list_notes(row: Guardrail) -> list[str]:
    """Return what the status does not say: since when, and why it was not counted."""
    notes = []
    if row.first_violated_on is not None:
        notes.append(f"violated first on {row.first_violated_on}")
    if row.message is not None:
        notes.append(f"not counted: {row.message}")
    return [*notes, *row.notes]


def _format_rate(row: Guardrail, rate: float | None) -> str:
    if rate is None or row.reward_type != "bool":
        return html.format_number(rate)
    return html.format_percent(100 * rate)


def _format_time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "not counted yet"
