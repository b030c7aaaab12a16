"""The head of an optimization's page: what it is, and what may be done with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from metrics.models import Metric
from optimizations.models import Optimization

# The actions that stand in the head, in this order; all others are behind "⋯".
PROMINENT = ("resume", "pause", "ship")
COUNT = "count"  # beside the time of the last count
SHARE_URL = "optimizations_optimization_share"
REPORT_URL = "optimizations_optimization_report"


@dataclass(frozen=True, slots=True)
class HeadLink:
    """A link in the head beside the actions, such as Share and Report.

    `is_offered` gets the request too, because a role may be needed. With `opens_dialog`
    the address answers with a dialog of Unfold, which opens over the page.
    """

    title: str
    icon: str
    build_url: Callable[[Optimization], str]
    is_offered: Callable[[HttpRequest, Optimization], bool] = lambda *_: True
    opens_dialog: bool = False


def _was_live(_request: HttpRequest, optimization: Optimization) -> bool:
    return optimization.went_live_at is not None


def _link_to(url_name: str) -> Callable[[Optimization], str]:
    return lambda optimization: reverse(f"admin:{url_name}", args=[optimization.pk])


# Links that stand before the actions. Add one here to have it on all tabs.
LINKS: tuple[HeadLink, ...] = (
    HeadLink("Share", "share", _link_to(SHARE_URL), _was_live),
    HeadLink("Report", "download", _link_to(REPORT_URL), _was_live),
)


@dataclass(frozen=True, slots=True)
class HeadItem:
    """A link or an action as the head shows it; `name` is the action's."""

    name: str
    title: str
    icon: str
    url: str
    opens_dialog: bool
    color: str = "default"


@dataclass(frozen=True, slots=True)
class PageHead:
    """What the head says: every tab has it."""

    name: str
    status: str
    metric: str
    variants: int
    holdout_percentage: float
    as_of: datetime | None
    is_of_today: bool
    count: HeadItem | None
    items: Sequence[HeadItem]
    more: Sequence[HeadItem]

    @property
    def actions(self) -> Sequence[HeadItem]:
        """All that is offered, so that a page can offer one of them once more."""
        counting = [self.count] if self.count else []
        return [*self.items, *counting, *self.more]


def build_head(
    request: HttpRequest, optimization: Any, actions: Mapping[str, Mapping[str, Any]]
) -> PageHead:
    """Return the head. `actions` are those offered, as Unfold describes them, by name.

    The optimization has the number of its variants as `last_number`.
    """
    links = [
        HeadItem(
            "",
            link.title,
            link.icon,
            link.build_url(optimization),
            link.opens_dialog,
        )
        for link in LINKS
        if link.is_offered(request, optimization)
    ]
    prominent = [name for name in PROMINENT if name in actions]
    summary = getattr(optimization, "results_summary", None)
    as_of = summary.as_of if summary else None
    items = {name: _build_item(name, action) for name, action in actions.items()}
    return PageHead(
        name=optimization.name,
        status=optimization.status,
        metric=describe_metric(optimization.reward_metric),
        variants=optimization.last_number or 0,
        holdout_percentage=optimization.holdout_percentage,
        as_of=as_of,
        is_of_today=as_of is not None and as_of.date() == timezone.now().date(),
        count=items.get(COUNT),
        items=[*links, *(items[name] for name in prominent)],
        more=[item for name, item in items.items() if name not in (COUNT, *prominent)],
    )


def describe_metric(metric: Metric | None) -> str:
    """Return the name of the reward metric with an arrow to where better is."""
    if metric is None:
        return "no metric yet"
    arrow = "↓" if metric.direction == Metric.Direction.DECREASE else "↑"
    return f"{metric.name} {arrow}"


def _build_item(name: str, action: Mapping[str, Any]) -> HeadItem:
    return HeadItem(
        name=name,
        title=str(action["title"]),
        icon=action["icon"],
        url=action["path"],
        opens_dialog=bool(action["dialog"]),
        color=action["variant"].value,
    )
