"""What needs a person first, on the overview: each with a sentence and a link to act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString

from levered_site.admin import html
from metrics.models import Metric
from models_app.models import TrainingRun
from optimizations.admin.list_cells import ListedOptimization
from optimizations.admin.overview_filters import OverviewFilters
from optimizations.admin.overview_list import Groups, sum_by
from optimizations.models import Decision, Optimization
from optimizations.results.health import attention
from optimizations.results.health.attention import KINDS, Attention, Kind
from optimizations.results.health.health import judge_health

MAX_SHOWN = 8
PILLS: Mapping[Kind, tuple[str, str]] = {
    "split": ("split broken", "danger"),
    "guardrail": ("guardrail violated", "danger"),
    "harm": ("reward is worse", "danger"),
    "training": ("training failed", "warning"),
    "silence": ("no data", "warning"),
    "decided": ("decided", "success"),
}
# How one and how several are counted.
COUNTED: Mapping[Kind, tuple[str, str]] = {
    "split": ("broken split", "broken splits"),
    "guardrail": ("violated guardrail", "violated guardrails"),
    "harm": ("worse reward", "worse rewards"),
    "training": ("failed training", "failed trainings"),
    "silence": ("without data", "without data"),
    "decided": ("decided and waiting", "decided and waiting"),
}
ACTIONS: Mapping[Kind, str] = {
    "split": "See what is wrong",
    "guardrail": "Weigh the harm",
    "harm": "See which variants harm",
    "training": "Read the error",
    "silence": "See what is missing",
    "decided": "Decide",
}


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """One optimization that waits for a person."""

    pill: SafeString
    link: SafeString
    organization: str
    message: str
    action: SafeString


@dataclass(frozen=True, slots=True)
class AttentionSection:
    """The most urgent ones, how many there are of each kind, and where the others are."""

    items: list[AttentionItem]
    counts: list[str]
    more: int
    more_url: str
    is_filtered: bool


def build_section(
    groups: Groups,
    waiting: Sequence[Any],
    listed: Mapping[UUID, ListedOptimization],
    filters: OverviewFilters,
) -> AttentionSection:
    """Return the section; `waiting` are its rows, `listed` their healths by id."""
    counts = sum_by(groups, "attention")
    counts.pop(None, None)
    return AttentionSection(
        items=[_build_item(row, listed[row.pk]) for row in waiting],
        counts=[
            f"{counts[place]} {COUNTED[kind][counts[place] > 1]}"
            for place, kind in enumerate(KINDS)
            if counts[place]
        ],
        more=sum(counts.values()) - len(waiting),
        more_url=OverviewFilters(waiting="yes").build_url(),
        is_filtered=bool(filters.waiting),
    )


def _build_item(row: Any, listed: ListedOptimization) -> AttentionItem:
    judged = listed.health or judge_health([], None)
    found = attention.describe_attention(row, judged)
    title, color = PILLS[found.kind]
    return AttentionItem(
        pill=html.render_pill(title, color),
        link=html.render_row_link(Optimization, row.pk, row.name),
        organization=row.organization.name,
        message=found.message,
        action=_render_action(row, found),
    )


def _render_action(row: Any, found: Attention) -> SafeString:
    """Return the link to where the reason is read, or removed."""

    def name_link(title: str) -> SafeString:
        return format_html('{}<span class="staff-hidden">: {}</span>', title, row.name)

    if found.code == "age":
        title = name_link("See its trainings")
        return html.render_list_link(TrainingRun, title, q=row.model_id)
    if found.code in {"no_users", "silent"}:
        title = name_link("See who was served")
        return html.render_list_link(Decision, title, q=row.pk)
    if found.code == "no_rewards":
        title = name_link("Check its metric")
        return html.render_row_link(Metric, row.reward_metric_id, title)
    title = name_link(ACTIONS[found.kind])
    if found.kind == "training":
        return html.render_row_link(TrainingRun, row.last_run_id, title)
    return html.render_row_link(Optimization, row.pk, title)
