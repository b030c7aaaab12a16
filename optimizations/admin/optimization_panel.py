"""The panel above an optimization's form: results, candidate, trainings, links."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.errors import ConflictError
from levered_site.organizations.models import AuditEntry
from models_app.admin import html_tables
from models_app.models import PolicyVersion, TrainingRun
from optimizations.admin import (
    candidate_section,
    guardrail_section,
    measured_section,
    panel_charts,
)
from optimizations.models import CubeDay, Decision, Optimization, Regime, Variant
from optimizations.results import report
from optimizations.results.health import Health
from optimizations.results.reasons import NO_DIFFERENCE
from optimizations.results.report import Results
from optimizations.results.variant_results import VariantResult


@dataclass(frozen=True, slots=True)
class OptimizationPanel:
    """Rendered parts of the panel; `note` says why there are no results yet."""

    health: SafeString | str
    figures: tuple[tuple[str, str, str], ...]
    companions: SafeString | str
    variants: SafeString | str
    guardrails: SafeString | str
    charts: tuple[tuple[str, SafeString], ...]
    runs: SafeString | str
    links: tuple[SafeString, ...]
    candidate: SafeString | str
    note: str = ""


def build_panel(optimization: Optimization) -> OptimizationPanel:
    """Return everything that the page shows beside the settings."""
    figures: tuple[tuple[str, str, str], ...] = ()
    health: SafeString | str = ""
    companions: SafeString | str = ""
    note = ""
    charts: tuple[tuple[str, SafeString], ...] = ()
    try:
        results = report.build_results(optimization)
    except ConflictError as error:
        note = error.message
        variants = render_variants(optimization)
    else:
        figures = _build_figures(optimization, results)
        if optimization.went_live_at is not None:
            health = _render_health(results.health)
        companions = measured_section.render_companions(results)
        variants = render_variant_results(results)
        note = " ".join(results.notes)
        if optimization.went_live_at is not None:
            charts = panel_charts.render_charts(optimization, results)
    return OptimizationPanel(
        health=health,
        figures=figures,
        companions=companions,
        variants=variants,
        guardrails=guardrail_section.render_guardrails(optimization),
        charts=charts,
        runs=html_tables.render_runs(optimization.model),
        links=build_links(optimization),
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


def render_variant_results(results: Results) -> SafeString:
    """Return a table of each variant's counts and posterior figures, and what it lacks."""
    table = html.render_table(
        (
            *("", "variant", "", "users", "mature users", "rewarded users"),
            *("mean per mature user", "conversion rate"),
            *("expected reward", "share of traffic", "probability best"),
        ),
        (
            [*_build_observed_columns(row), *_build_posterior_columns(row)]
            for row in results.variants
        ),
    )
    reasons = {
        reason
        for name, reason in results.unavailable.items()
        if name.startswith("variants.")
    }
    notes = format_html_join(
        "", '<p class="staff-note">{}</p>', ((reason,) for reason in sorted(reasons))
    )
    return format_html("{}{}", table, notes)


def _build_observed_columns(row: VariantResult) -> list[object]:
    return [
        row.number,
        html.render_code(row.variant_key),
        "" if row.enabled else html.render_pill("disabled"),
        html.format_number(row.users),
        html.format_number(row.mature_users),
        html.format_number(row.rewarded_users),
        html.NO_VALUE
        if row.mean_reward is None
        else html.format_number(row.mean_reward, 3),
        html.NO_VALUE
        if row.user_rate is None
        else html.format_percent(100 * row.user_rate),
    ]


def _build_posterior_columns(row: VariantResult) -> list[object]:
    return [
        _format_expected_reward(row),
        html.NO_VALUE if row.weight is None else html.render_share_bar(row.weight),
        html.NO_VALUE
        if row.prob_best is None
        else html.render_share_bar(row.prob_best),
    ]


def _format_expected_reward(row: VariantResult) -> str:
    if row.expected_reward_mean is None:
        return html.NO_VALUE
    rewards = row.expected_reward_mean, row.expected_reward_lo, row.expected_reward_hi
    mean, low, high = (html.format_number(reward, 3) for reward in rewards)
    return f"{mean} ({low} to {high})"


def render_variants(optimization: Optimization) -> SafeString:
    """Return a table of the variants without figures, for one that was never live."""
    variants = optimization.variants.defer("screenshot")
    return html.render_table(
        ("", "variant"),
        (
            (variant.number, html.render_code(variant.variant_key))
            for variant in variants
        ),
    )


def build_links(optimization: Optimization) -> tuple[SafeString, ...]:
    """Return links to the lists of everything that belongs to the optimization."""
    search = {"q": optimization.pk}
    return (
        html.render_row_link(
            optimization.model.__class__, optimization.model_id, "Model"
        ),
        html.render_list_link(Variant, "Variants", **search),
        html.render_list_link(Decision, "Decisions", **search),
        html.render_list_link(TrainingRun, "Training runs", q=optimization.model_id),
        html.render_list_link(
            PolicyVersion, "Policy versions", q=optimization.model_id
        ),
        html.render_list_link(Regime, "Regimes", **search),
        html.render_list_link(CubeDay, "Cube days", **search),
        html.render_list_link(AuditEntry, "Audit log", **search),
    )
