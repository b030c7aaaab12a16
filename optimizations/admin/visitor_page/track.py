"""The picture of one visitor: which variant when, how long rewards count, what came."""

from collections.abc import Sequence
from itertools import zip_longest

from levered_site.charts.element import Element
from levered_site.charts.event_track import (
    TrackEvent,
    TrackLane,
    TrackSpan,
    build_event_track,
)
from levered_site.charts.figure import Heading
from optimizations.admin.numbered_variants import find_name
from optimizations.admin.visitor_page import reasons
from optimizations.results import visitor_events
from optimizations.results.visitor_history import VisitorHistory

HEADING = Heading(
    "visitor",
    "What the visitor met",
    "The variant from decision to decision, how long rewards count, and the exposures and "
    "rewards that were sent in. Times are in UTC.",
)


def draw_visitor(history: VisitorHistory, names: Sequence[str]) -> Element:
    """Return the picture, up to the end of the horizon or to now."""
    ends_at = history.rules.ends_at
    lanes = [
        TrackLane("Variant", _list_variants(history, names)),
        TrackLane("Rewards count", _list_windows(history)),
        TrackLane(
            "Exposures",
            events=[
                TrackEvent("exposure sent in", event.at) for event in history.exposures
            ],
        ),
        TrackLane(
            "Rewards",
            events=[
                TrackEvent(
                    reward.name,
                    reward.at,
                    "good" if reward.counts else "watch",
                    reward.reason,
                )
                for reward in history.rewards
            ],
        ),
    ]
    end = history.as_of if ends_at is None else min(ends_at, history.as_of)
    return build_event_track(HEADING, lanes, end)


def _list_variants(history: VisitorHistory, names: Sequence[str]) -> list[TrackSpan]:
    receipts = [decision.receipt for decision in history.decisions]
    return [
        TrackSpan(
            find_name(names, receipt.variant_number),
            receipt.decided_at,
            None if following is None else following.decided_at,
            reasons.summarize(receipt),
        )
        for receipt, following in zip_longest(receipts, receipts[1:])
    ]


def _list_windows(history: VisitorHistory) -> list[TrackSpan]:
    rules = history.rules
    if rules.first_touch is None:
        return []
    length = visitor_events.format_duration(rules.horizon)
    return [
        TrackSpan(
            length, rules.first_touch, rules.ends_at, "from the first exposure on"
        )
    ]
