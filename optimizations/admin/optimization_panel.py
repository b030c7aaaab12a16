"""The parts of the results on an optimization's page, rendered."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.errors import ConflictError
from optimizations.admin import (
    candidate_section,
    guardrail_section,
    measured_section,
    panel_charts,
)
from optimizations.models import Optimization
from optimizations.results import report
from optimizations.results.health import Health
from optimizations.results.reasons import NO_DIFFERENCE
from optimizations.results.report import Results


@dataclass(frozen=True, slots=True)
class OptimizationPanel:
    """Rendered parts of the panel; `note` says why there are no results yet."""

    health: SafeString | str
    figures: tuple[tuple[str, str, str], ...]
    companions: SafeString | str
    guardrails: SafeString | str
    charts: tuple[tuple[str, SafeString], ...]
    candidate: SafeString | str
    note: str = ""


def build_panel(optimization: Optimization) -> OptimizationPanel:
    """Return everything that the page shows of the results."""
    figures: tuple[tuple[str, str, str], ...] = ()
    health: SafeString | str = ""
    companions: SafeString | str = ""
    note = ""
    charts: tuple[tuple[str, SafeString], ...] = ()
    try:
        results = report.build_results(optimization)
    except ConflictError as error:
        note = error.message
    else:
        figures = _build_figures(optimization, results)
        if optimization.went_live_at is not None:
            health = _render_health(results.health)
        companions = measured_section.render_companions(results)
        note = " ".join(results.notes)
        if optimization.went_live_at is not None:
            charts = panel_charts.render_charts(optimization, results)
    return OptimizationPanel(
        health=health,
        figures=figures,
        companions=companions,
        guardrails=guardrail_section.render_guardrails(optimization),
        charts=charts,
        candidate=candidate_section.render_comparison(optimization),
        note=note,
    )


def _render_health(health: Health) -> SafeString:
    context = {"health": health, "color": html.STATUS_COLORS[health.status]}
    return render_to_string("levered_admin/health.html", context)


def _build_figures(
    optimization: Optimization, results: Results
) -> tuple[tuple[str, str, str], ...]:
    measured, modeled = results.primary_metric_vs_holdout, results.stats
    held_out = measured.holdout_exposures
    return (
        measured_section.build_figure(results),
        (
            "Estimated improvement",
            html.format_percent(modeled.estimated_improvement_percent, signed=True),
            _describe_improvement(results),
        ),
        ("Leader", *_describe_leader(results)),
        (
            "Users compared",
            html.format_number(measured.optimization_exposures),
            f"optimized; {html.format_number(held_out)} held out; horizon over",
        ),
        (
            "Policy version",
            str(optimization.model.policy_version),
            f"counts of {results.as_of:%Y-%m-%d %H:%M}"
            if results.as_of
            else "no counts yet",
        ),
    )


def _describe_improvement(results: Results) -> str:
    """Return the interval of what is served, or why the percentage is missing."""
    interval = _format_interval(results.stats.estimated_improvement_interval)
    reason = results.unavailable.get("stats.estimated_improvement_percent", "")
    if reason == NO_DIFFERENCE:
        return f"no difference seen yet. {interval}"
    return interval or reason


def _describe_leader(results: Results) -> tuple[str, str]:
    """Return the leading variant, and its lift over the baseline or the reason."""
    stats, reasons = results.stats, results.unavailable
    if stats.best_variant is None:
        return html.NO_VALUE, reasons.get("stats.best_variant", "")
    lift = html.format_percent(stats.best_vs_baseline_percent, signed=True)
    return f"variant {stats.best_variant}", reasons.get(
        "stats.best_vs_baseline_percent", f"{lift} over the baseline"
    )


def _format_interval(limits: Sequence[float | None] | None) -> str:
    interval = html.format_interval(limits, signed=True)
    return "" if interval == html.NO_VALUE else f"95 %: {interval}"
