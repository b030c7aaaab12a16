"""What an optimization's staff page shows above the form: results, trainings, ways on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.errors import ConflictError
from levered_site.organizations.models import AuditEntry
from models_app.admin import html_tables
from models_app.models import PolicyVersion, TrainingRun
from optimizations.admin import candidate_section
from optimizations.models import CubeDay, Decision, Optimization, Regime, Variant
from optimizations.results import report
from optimizations.results.report import Results


@dataclass(frozen=True, slots=True)
class OptimizationPanel:
    """Ready pieces of HTML; `note` says why there are no results yet."""

    figures: tuple[tuple[str, str, str], ...]
    variants: SafeString | str
    runs: SafeString | str
    ways: tuple[SafeString, ...]
    candidate: SafeString | str
    note: str = ""


def build_panel(optimization: Optimization) -> OptimizationPanel:
    """Read everything that the page shows beside the settings."""
    runs, elsewhere = (
        html_tables.render_runs(optimization.model),
        build_links(optimization),
    )
    tried = candidate_section.render_comparison(optimization)
    try:
        found = report.build_results(optimization)
    except ConflictError as error:
        return OptimizationPanel(
            (), render_variants(optimization), runs, elsewhere, tried, error.message
        )
    return OptimizationPanel(
        _build_figures(optimization, found),
        render_variant_results(found),
        runs,
        elsewhere,
        tried,
    )


def _build_figures(
    optimization: Optimization, found: Results
) -> tuple[tuple[str, str, str], ...]:
    measured, modeled = found.primary_metric_vs_holdout or {}, found.stats
    why, held_out = found.unavailable, measured.get("holdout_exposures")
    return (
        (
            "Measured lift",
            html.format_percent(measured.get("lift_percent"), signed=True),
            _format_interval(
                measured.get("lift_ci_anytime"), "95 %, however often one looks"
            )
            or why.get("primary_metric_vs_holdout.lift_ci_anytime", ""),
        ),
        (
            "Estimated improvement",
            html.format_percent(modeled["estimated_improvement_percent"], signed=True),
            _format_interval(modeled["estimated_improvement_interval"])
            or why.get("stats.estimated_improvement_percent", ""),
        ),
        (
            "Users compared",
            html.format_number(measured.get("optimization_exposures")),
            f"optimized; {html.format_number(held_out)} held out; all past their horizon",
        ),
        (
            "Policy version",
            str(optimization.model.policy_version),
            f"counts of {found.as_of:%Y-%m-%d %H:%M}"
            if found.as_of
            else "no counts yet",
        ),
    )


def _format_interval(limits: Sequence[float | None] | None, kind: str = "95 %") -> str:
    shown = html.format_interval(limits, signed=True)
    return "" if shown == html.NO_VALUE else f"{kind}: {shown}"


def render_variant_results(found: Results) -> SafeString:
    """Every variant with what was observed of it and what is believed of it."""
    return html.render_table(
        (
            *("", "variant", "", "users", "conversions", "rate per user"),
            *("expected reward", "share of traffic", "probability best"),
        ),
        (
            [*_build_observed_columns(row), *_build_posterior_columns(row)]
            for row in found.variants
        ),
    )


def _build_observed_columns(row: Mapping[str, Any]) -> list[object]:
    return [
        row["number"],
        html.render_code(row["variant_key"]),
        "" if row["enabled"] else html.render_pill("disabled"),
        html.format_number(row["users"]),
        html.format_number(row["conversions"]),
        html.format_percent(100 * row["user_rate"]) if row["users"] else html.NO_VALUE,
    ]


def _build_posterior_columns(row: Mapping[str, Any]) -> list[object]:
    mean, low, high = (row[f"expected_reward_{k}"] for k in ("mean", "lo", "hi"))
    reward = (
        html.NO_VALUE
        if mean is None
        else f"{html.format_number(mean, 3)} ({html.format_number(low, 3)} to {html.format_number(high, 3)})"
    )
    return [
        reward,
        html.NO_VALUE
        if row["weight"] is None
        else html.render_share_bar(row["weight"]),
        html.NO_VALUE
        if row["prob_best"] is None
        else html.render_share_bar(row["prob_best"]),
    ]


def render_variants(optimization: Optimization) -> SafeString:
    """The variants of one that was never live."""
    rows = optimization.variants.defer("screenshot")
    return html.render_table(
        ("", "variant"), ((v.number, html.render_code(v.variant_key)) for v in rows)
    )


def build_links(optimization: Optimization) -> tuple[SafeString, ...]:
    """Link to everything else that is known of it."""
    own = {"q": optimization.pk}
    return (
        html.render_row_link(
            optimization.model.__class__, optimization.model_id, "Model"
        ),
        html.render_list_link(Variant, "Variants", **own),
        html.render_list_link(Decision, "Decisions", **own),
        html.render_list_link(TrainingRun, "Training runs", q=optimization.model_id),
        html.render_list_link(
            PolicyVersion, "Policy versions", q=optimization.model_id
        ),
        html.render_list_link(Regime, "Regimes", **own),
        html.render_list_link(CubeDay, "Cube days", **own),
        html.render_list_link(AuditEntry, "Audit log", **own),
    )
