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
from optimizations.models import Optimization
from optimizations.results import visitor_history
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


def build_visitor(optimization: Optimization, anonymous_id: str) -> VisitorView:
    """Return all that is known of a visitor, or why nothing is."""
    try:
        history = visitor_history.load_visitor_history(optimization, anonymous_id)
    except LeveredError as error:
        return VisitorView(anonymous_id, error.message)
    names = list_variant_names(optimization)
    is_forgotten = history.assignment is not None and not history.decisions
    return VisitorView(
        anonymous_id=anonymous_id,
        facts=_list_facts(history, names),
        notes=[
            *([EXCLUDED] if history.is_excluded else []),
            *([PAST_RETENTION] if is_forgotten else []),
            *history.notes,
        ],
        picture=html.render_charts(track.draw_visitor(history, names)),
        picture_text=track.HEADING.description,
        steps=steps.list_steps(history, names, map_keys(optimization, names)),
    )


def _list_facts(history: VisitorHistory, names: Sequence[str]) -> list[Fact]:
    return [
        _describe_variant(history, names),
        _describe_exposure(history),
        _describe_rewards(history),
    ]


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
