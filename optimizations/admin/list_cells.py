"""What lists show of each optimization: its lift, health, users and age."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString

from levered_site.admin import html
from optimizations.admin import lift_chart, measured_section
from optimizations.models import Optimization, Regime, ResultsSummary
from optimizations.results.checks import unserved_variants
from optimizations.results.health import health_records, missing_counts
from optimizations.results.health.health import Health

WITHHELD = "the arms do not compare like with like"
REASON_LENGTH = 90
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ListedOptimization:
    """An optimization as a list shows it.

    Attributes
    ----------
    health: None while there is nothing to judge.
    unserved: how many variants of its lift are not served any more.

    """

    optimization: Any
    health: Health | None
    unserved: int

    @property
    def summary(self) -> ResultsSummary | None:
        """What the last count stored, if there was one."""
        return getattr(self.optimization, "results_summary", None)


def load_listed(optimizations: Sequence[Any]) -> dict[UUID, ListedOptimization]:
    """Return what lists show, by id: three queries, none of counts.

    The optimizations come with their `results_summary` and `reward_metric`.
    """
    summaries = {row.pk: getattr(row, "results_summary", None) for row in optimizations}
    healths = health_records.build_healths(
        optimizations,
        {
            pk: health_records.read_reasons(summary)
            for pk, summary in summaries.items()
            if summary is not None
        },
    )
    unserved = _count_unserved(summaries)
    return {
        row.pk: ListedOptimization(
            row,
            _keep_known(healths[row.pk], summaries[row.pk]),
            unserved.get(row.pk, 0),
        )
        for row in optimizations
    }


def _keep_known(judged: Health, summary: ResultsSummary | None) -> Health | None:
    is_unknown = summary is None and missing_counts.is_nothing_yet(judged)
    return None if is_unknown else judged


def _count_unserved(ids: Iterable[UUID]) -> dict[UUID, int]:
    regimes: defaultdict[UUID, list[Regime]] = defaultdict(list)
    rows = Regime.objects.filter(optimization__in=list(ids)).order_by("number")
    for regime in rows:
        regimes[regime.optimization_id].append(regime)
    return {
        pk: len(unserved_variants.find_unserved_variants(listed))
        for pk, listed in regimes.items()
    }


def render_lift(listed: ListedOptimization, *, is_less_better: bool) -> SafeString:
    """Return the lift as of the last count with its interval at every look.

    Beside a broken health it is withheld, and beside any other that is not ok it is never
    drawn as good. Without a percentage it is the difference per user.
    """
    summary, health = listed.summary, listed.health
    if summary is None or health is None:
        return format_html("{}", html.NO_VALUE)
    if health.status == "broken":
        return format_html('withheld <small class="staff-why">{}</small>', WITHHELD)
    if summary.lift is None and summary.difference is None:
        reason = summary.unavailable.get("lift", "")
        return format_html(
            '{} <small class="staff-why">{}</small>', html.NO_VALUE, reason
        )
    figure, limits = _format_figure(summary)
    bar = lift_chart.draw_lift_bar(
        summary, is_less_better=is_less_better, is_trusted=health.status == "ok"
    )
    return format_html(
        '<span class="staff-lift">{}<span><b>{}</b> <small>{}</small></span></span>{}',
        bar or "",
        figure,
        limits,
        _describe_unserved(listed.unserved),
    )


def _format_figure(summary: ResultsSummary) -> tuple[str, str]:
    """Return the lift, or the difference where there is none, and its interval."""
    if summary.lift is None:
        limits = summary.difference_ci_anytime
        shown = measured_section.format_limits(limits, "")
        return (
            f"{measured_section.format_difference(summary.difference)} per user",
            shown,
        )
    limits_of_lift = summary.lift_ci_anytime
    shown = html.format_interval(limits_of_lift, signed=True) if limits_of_lift else ""
    return html.format_percent(summary.lift, signed=True), shown


def _describe_unserved(unserved: int) -> SafeString | str:
    if not unserved:
        return ""
    return format_html(
        '<small class="staff-why">{} of its variants not served any more</small>',
        unserved,
    )


def render_health(listed: ListedOptimization) -> SafeString:
    """Return the health with its first reason, and how many more there are."""
    health = listed.health
    if health is None:
        return format_html("{}", html.NO_VALUE)
    pill = html.render_pill(health.status)
    if not health.reasons:
        return pill
    message = health.reasons[0].message
    shown = message[:REASON_LENGTH].rstrip() + "…"
    others = len(health.reasons) - 1
    return format_html(
        '{} <small class="staff-why">{}{}</small>',
        pill,
        shown if len(message) > REASON_LENGTH else message,
        f" And {others} more." if others else "",
    )


def render_users(listed: ListedOptimization, now: datetime) -> SafeString:
    """Return how many users were counted, and when."""
    summary = listed.summary
    if summary is None or summary.as_of is None:
        return format_html("{}", html.NO_VALUE)
    return format_html(
        '{} <small class="staff-why staff-unbroken">{} ago</small>',
        html.format_number(summary.users),
        format_age(now - summary.as_of),
    )


def render_age(optimization: Optimization, now: datetime) -> SafeString:
    """Return how long ago it went live."""
    start = optimization.went_live_at
    if start is None:
        return format_html("{}", "not yet")
    return format_html(
        '<time datetime="{}" class="staff-unbroken">{} ago</time>',
        start.isoformat(timespec="minutes"),
        format_age(now - start),
    )


def wrap_cell(content: SafeString) -> SafeString:
    """Return what stands together in a cell, also where the cell is a line of a list."""
    return format_html('<div class="staff-cell">{}</div>', content)


def format_age(age: timedelta) -> str:
    """Return an age in the largest unit that says enough: minutes, hours or days."""
    for unit, name in ((DAY, "days"), (HOUR, "h")):
        if age >= 2 * unit:
            return f"{age // unit} {name}"
    return f"{max(0, age // timedelta(minutes=1))} min"
