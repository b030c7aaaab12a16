"""The tab Results: what was found, whether it can be trusted, and what to do next."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest

from levered_site.admin import html
from levered_site.organizations.admin import get_staff_roles
from optimizations.admin import (
    candidate_section,
    guardrail_section,
    lift_chart,
    model_charts,
    training_progress,
)
from optimizations.admin.lifecycle_actions import ACTIONS
from optimizations.admin.lift_chart import DayNote
from optimizations.admin.result_page import (
    allocation_map,
    companions,
    effects,
    evidence,
    figures,
    health_list,
    personalization,
    segments,
    serve_section,
    verdict,
)
from optimizations.admin.result_page.verdict import Verdict
from optimizations.admin.result_page.wording import MetricWords
from optimizations.admin.tabs.tab import Tab
from optimizations.admin.variant_page import first_variants, rows
from optimizations.configuration import notes
from optimizations.models import Optimization
from optimizations.results.readings import full_results, report
from optimizations.results.readings.full_results import FullResults


def build_context(
    request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the verdict and, once it was live, everything that was found."""
    candidate = candidate_section.render_comparison(optimization)
    full = find_results(optimization)
    start = None
    if full is not None and serve_section.may_be_unserved(optimization, full):
        start = serve_section.load_start(optimization, full)
    is_served = start is None or start.is_served
    judged = judge_results(optimization, full, is_served=is_served)
    asked = {
        "verdict": judged,
        "missing_role": _find_missing_role(request, optimization, judged),
    }
    if full is None:
        return {**asked, "candidate": candidate}
    return {
        **asked,
        "candidate": candidate,
        "training": training_progress.find_open_training(optimization),
        "notes": full.results.notes,
        "serve": serve_section.build_serve_section(request, optimization, start)
        if start and not is_served
        else None,
        **build_parts(optimization, full, notes.list_day_notes(optimization)),
    }


def _find_missing_role(
    request: HttpRequest, optimization: Optimization, judged: Verdict
) -> str:
    """Return the role that the next step takes where the user lacks it, or nothing."""
    name = judged.next_step.action if judged.next_step else ""
    role = next((each.role for each in ACTIONS if each.name == name), None)
    if role is None:
        return ""
    roles = get_staff_roles(request)
    return "" if roles.has_in(role, optimization.organization_id) else role


def find_results(optimization: Optimization) -> FullResults | None:
    """Return everything that was found; None unless the optimization was live."""
    if optimization.went_live_at is None or optimization.reward_metric is None:
        return None
    return full_results.load_full_results(optimization)


def judge_results(
    optimization: Optimization, full: FullResults | None, *, is_served: bool = True
) -> Verdict:
    """Return the verdict on what was found, or on an optimization that was never live."""
    results = full.results if full else report.build_results(optimization)
    found = evidence.build_evidence(optimization, results, full, is_served=is_served)
    return verdict.judge(found)


def build_parts(
    optimization: Optimization, full: FullResults, day_notes: Iterable[DayNote]
) -> dict[str, Any]:
    """Return what was measured and what the model believes, drawn."""
    metric = evidence.describe_metric(optimization.reward_metric)
    assert metric is not None  # one that was live has one
    return {
        **build_findings(full, metric, day_notes),
        **build_model_parts(optimization, full, metric),
    }


def build_findings(
    full: FullResults,
    metric: MetricWords,
    day_notes: Iterable[DayNote] = (),
) -> dict[str, Any]:
    """Return what was measured: health, figures, lift, guardrails, companions."""
    results = full.results
    return {
        "health_items": health_list.list_health(
            results.health, results.checks, full.guardrails.guardrails
        ),
        "figures": figures.build_figures(results, full.progress, metric),
        "lift": html.render_charts(
            lift_chart.draw_lift(
                results.health,
                full.daily,
                full.regimes,
                day_notes,
                is_less_better=metric.is_less_better,
            )
        ),
        "lift_text": lift_chart.HEADING.description,
        "guardrails": guardrail_section.render_guardrails(full.guardrails),
        "companions": companions.build_companions(results),
        "segments": html.render_charts(
            segments.draw_segments(results, is_less_better=metric.is_less_better)
        ),
    }


def build_model_parts(
    optimization: Optimization, full: FullResults, metric: MetricWords
) -> dict[str, Any]:
    """Return what was served and what the model believes."""
    results = full.results
    return {
        "shares": html.render_charts(model_charts.draw_shares(results)),
        "shares_text": model_charts.describe_shares(results),
        "effects": html.render_charts(
            effects.draw_effects(
                results, metric.reward_type, is_less_better=metric.is_less_better
            )
        ),
        "effects_text": effects.describe_effects(metric.reward_type),
        "model_lift": segments.describe_model_lift(results),
        "policy_version": optimization.model.policy_version,
        "first_variants": first_variants.list_first_variants(
            rows.build_rows(optimization, full.variants, results),
            is_less_better=metric.is_less_better,
        ),
        "beliefs": html.render_charts(
            model_charts.draw_beliefs(
                results, metric.reward_type, is_less_better=metric.is_less_better
            )
        ),
        "interactions": html.render_charts(
            *model_charts.draw_interactions(
                results.interactions or (),
                metric.reward_type,
                is_less_better=metric.is_less_better,
            )
        ),
        "has_certain_pair": any(
            map(model_charts.is_beyond_chance, results.interactions or ())
        ),
        "no_interactions": model_charts.explain_no_interactions(results),
        "has_one_factor": len(optimization.model.design.factors) == 1,
        "allocation": allocation_map.build_allocation_map(
            optimization, full.allocation
        ),
        "personalization": personalization.describe_personalization(results),
        "variants_count": len(results.variants),
    }


TAB = Tab(
    "results", "Results", "levered_admin/optimization/results.html", build_context
)
