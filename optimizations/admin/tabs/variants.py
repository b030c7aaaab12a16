"""The tab Variants: each variant with what was counted of it and what is believed."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.errors import ConflictError
from optimizations.admin.tabs.tab import Tab
from optimizations.models import Optimization, Variant
from optimizations.results.readings import report
from optimizations.results.readings.report import Results
from optimizations.results.readings.variant_results import VariantResult


def build_context(
    _request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the table of the variants."""
    try:
        table = render_variant_results(report.build_results(optimization))
    except ConflictError:
        table = render_variants(optimization)
    search = {"q": optimization.pk}
    return {
        "table": table,
        "links": [html.render_list_link(Variant, "Variants", **search)],
    }


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


TAB = Tab(
    "variants", "Variants", "levered_admin/optimization/variants.html", build_context
)
