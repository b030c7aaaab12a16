"""One visitor as the tab shows them: figures, picture, steps, and what is not known."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.errors import LeveredError
from optimizations.admin.numbered_variants import (
    find_name,
    list_variant_names,
    map_keys,
)
from optimizations.admin.visitor_page import steps, track
from optimizations.admin.visitor_page.steps import Step
from optimizations.factors import parse_context_factors
from optimizations.models import Optimization
from optimizations.results import visitor_count, visitor_history
from optimizations.results.visitor_count import VisitorCount
from optimizations.results.visitor_history import VisitorHistory

EXCLUDED = "Results leave this visitor out: the id is among the excluded users of the settings."
PAST_RETENTION = (
    "The receipts of this visitor are past their retention: what they get is known, and why "
    "no more."
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure above the picture."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class VisitorView:
    """What the tab shows of a visitor; with a `problem` nothing else."""

    anonymous_id: str
    problem: str = ""
    facts: Sequence[Fact] = ()
    notes: Sequence[str] = ()
    picture: SafeString | str = ""
    picture_text: str = ""
    steps: Sequence[Step] = ()
    can_count: bool = False


def build_visitor(
    optimization: Optimization, anonymous_id: str, *, must_count: bool = False
) -> VisitorView:
    """Return all that is known of a visitor, or why nothing is.

    With `must_count` the metric's query counts the visitor now.
    """
    try:
        history = visitor_history.load_visitor_history(optimization, anonymous_id)
    except LeveredError as error:
        return VisitorView(anonymous_id, error.message)
    names = list_variant_names(optimization)
    contexts = parse_context_factors(optimization.model.training_data_config)
    counted, problems = _count(optimization, history) if must_count else ([], [])
    is_forgotten = history.assignment is not None and not history.decisions
    return VisitorView(
        anonymous_id=anonymous_id,
        facts=[*_list_facts(history, names), *counted],
        can_count=bool(history.rules.first_touch) and not must_count,
        notes=[
            *([EXCLUDED] if history.is_excluded else []),
            *([PAST_RETENTION] if is_forgotten else []),
            *history.notes,
            *problems,
        ],
        picture=html.render_charts(track.draw_visitor(history, names)),
        picture_text=track.HEADING.description,
        steps=steps.list_steps(history, names, map_keys(optimization, names), contexts),
    )


def _list_facts(history: VisitorHistory, names: Sequence[str]) -> list[Fact]:
    return [
        _describe_variant(history, names),
        _describe_exposure(history),
        _describe_rewards(history),
    ]


def _count(
    optimization: Optimization, history: VisitorHistory
) -> tuple[list[Fact], list[str]]:
    """Return what the metric counts for the visitor, or why that is not known."""
    first_touch = history.rules.first_touch
    if first_touch is None:
        return [], []
    try:
        count = visitor_count.count_visitor(
            optimization, history.anonymous_id, first_touch
        )
    except LeveredError as error:
        return [], [f"The metric could not count this visitor: {error.message}"]
    return [_describe_count(count)], []


def _describe_count(count: VisitorCount) -> Fact:
    title, cell = "By the metric", count.cell
    if cell is None:
        return Fact(title, "not counted", "results leave the visitor out")
    arm = "held out" if cell.holdout else "optimized"
    note = f"counted now, {arm}, period {cell.regime}"
    if count.reward_type == "bool":
        return Fact(title, "converted" if cell.converted else "no conversion", note)
    if count.reward_type == "outcomes":
        return Fact(title, f"outcome {cell.outcome}", note)
    return Fact(title, html.format_number(cell.value_sum), note)


def _describe_variant(history: VisitorHistory, names: Sequence[str]) -> Fact:
    newest = history.decisions[-1].receipt if history.decisions else history.assignment
    if newest is None:
        return Fact("Gets", "not decided here", "exposures were sent in")
    arm = "holdout: always the baseline" if newest.in_holdout else "optimized"
    redraws = len(history.decisions) - 1
    times = "once" if redraws == 1 else f"{redraws:,} times"
    again = f", drawn again {times}" if redraws > 0 else ""
    return Fact("Gets now", find_name(names, newest.variant_number), arm + again)


def _describe_exposure(history: VisitorHistory) -> Fact:
    first = history.rules.first_touch
    sent = len(history.exposures)
    note = f"{sent:,} sent in" if sent else "by being served"
    if first is None:
        return Fact("First exposure", "none", "nothing counts before one")
    return Fact("First exposure", f"{first:%Y-%m-%d %H:%M} UTC", note)


def _describe_rewards(history: VisitorHistory) -> Fact:
    counted = sum(reward.counts for reward in history.rewards)
    ends_at = history.rules.ends_at
    if ends_at is None:
        note = ""
    elif ends_at <= history.as_of:
        note = "complete: the horizon has passed"
    else:
        note = f"open until {ends_at:%Y-%m-%d %H:%M} UTC"
    return Fact("Rewards in time", f"{counted:,} of {len(history.rewards):,}", note)
