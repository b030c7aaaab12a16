"""What one visitor did, by the events of the managed store, and which rewards are in time.

The rules are those of the observation cube (docs/statistics.md, section 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from django.db.models import FloatField, Q, Value

from optimizations.models import Optimization
from warehouse.models import ManagedExposure, ManagedReward
from warehouse.sql.shapes import TimeGap

MAX_EVENTS = 500
# A statement locks every partition of its days; erasure reads about as many at a time.
MAX_DAYS = timedelta(days=31)
AFTER_HORIZON = timedelta(days=2)  # rewards that came too late are shown, too


class SentEvent(NamedTuple):
    """An exposure with its variant key, or a reward with its name and value."""

    kind: Literal["exposure", "reward"]
    at: datetime
    text: str
    value: float | None


@dataclass(frozen=True, slots=True)
class CountingRules:
    """Which rewards of a visitor are in time.

    Attributes
    ----------
    first_touch: what fixes the user; None for somebody who was never exposed.
    attribution: `last_touch` or `first_touch`.
    reward_names: those that the metric's query reads; None is any.

    """

    first_touch: datetime | None
    attribution: str
    window: timedelta
    horizon: timedelta
    reward_names: tuple[str, ...] | None

    @property
    def ends_at(self) -> datetime | None:
        """The moment after which nothing counts any more."""
        return None if self.first_touch is None else self.first_touch + self.horizon


@dataclass(frozen=True, slots=True)
class JudgedReward:
    """A reward, whether it is in time for the metric, and why or why not."""

    at: datetime
    name: str
    value: float
    counts: bool
    reason: str


def load_events(
    optimization: Optimization, anonymous_id: str, since: datetime, until: datetime
) -> list[SentEvent]:
    """Return the events of these moments, about 31 days of them, the oldest first."""
    own = {
        "organization_id": optimization.organization_id,
        "anonymous_id": anonymous_id,
        "timestamp_utc__gte": since,
        "timestamp_utc__lte": min(until, since + MAX_DAYS + AFTER_HORIZON),
    }
    is_for_it = Q(optimization_id=None) | Q(optimization_id=optimization.pk)
    none: Any = Value(None, output_field=FloatField())
    exposures = (
        ManagedExposure.objects.filter(optimization_id=optimization.pk, **own)
        .order_by()
        .values_list(Value("exposure"), "timestamp_utc", "variant", none)
    )
    rewards = (
        ManagedReward.objects.filter(is_for_it, **own)
        .order_by()
        .values_list(Value("reward"), "timestamp_utc", "name", "value")
    )
    rows: Any = exposures.union(rewards, all=True).order_by("timestamp_utc")
    return [SentEvent(*row) for row in rows[:MAX_EVENTS]]


def find_touches(
    decided_at: Sequence[datetime],
    events: Sequence[SentEvent],
    gaps: Sequence[TimeGap],
) -> list[datetime]:
    """Return the moments of exposures that count, the oldest first.

    A serve record is one, too. Those of a pause count for nobody.
    """
    sent = [event.at for event in events if event.kind == "exposure"]
    return sorted(at for at in (*decided_at, *sent) if not _is_in_gap(at, gaps))


def _is_in_gap(at: datetime, gaps: Sequence[TimeGap]) -> bool:
    return any(
        gap.starts_at <= at and (gap.ends_at is None or at < gap.ends_at)
        for gap in gaps
    )


def judge_rewards(
    events: Sequence[SentEvent], rules: CountingRules, touches: Sequence[datetime]
) -> list[JudgedReward]:
    """Return the rewards of the events, each with whether it is in time."""
    judged = []
    for event in events:
        if event.kind == "reward":
            problem = _find_problem(event, rules, touches)
            reason = problem or _describe_delay(event, rules, touches)
            value = 0.0 if event.value is None else event.value
            judged.append(
                JudgedReward(event.at, event.text, value, not problem, reason)
            )
    return judged


def _find_problem(
    event: SentEvent, rules: CountingRules, touches: Sequence[datetime]
) -> str:
    """Return why a reward does not count, or an empty text."""
    names, first = rules.reward_names, rules.first_touch
    if names is not None and event.text not in names:
        return "the reward metric does not read rewards of this name"
    if first is None or event.at < first:
        return "it came before the first exposure that counts"
    if event.at > first + rules.horizon:
        hours = _format_hours(rules.horizon)
        return f"it came after the horizon, {hours} from the first exposure on"
    if event.at - _find_touch(event, rules, touches) > rules.window:
        which = "latest" if rules.attribution == "last_touch" else "first"
        hours = _format_hours(rules.window)
        return f"it came more than {hours} after the {which} exposure"
    return ""


def _describe_delay(
    event: SentEvent, rules: CountingRules, touches: Sequence[datetime]
) -> str:
    delay = event.at - _find_touch(event, rules, touches)
    return f"in time, {format_duration(delay)} after the exposure"


def _find_touch(
    event: SentEvent, rules: CountingRules, touches: Sequence[datetime]
) -> datetime:
    """Return the exposure that the window of a reward begins with."""
    assert rules.first_touch is not None  # else nothing counts
    if rules.attribution != "last_touch":
        return rules.first_touch
    before = [at for at in touches if rules.first_touch <= at <= event.at]
    return max(before, default=rules.first_touch)


def _format_hours(duration: timedelta) -> str:
    return f"{round(duration / timedelta(hours=1)):,} hours"


def format_duration(duration: timedelta) -> str:
    """Return a duration in its two largest units, as `2 h 5 min`."""
    seconds = max(int(duration.total_seconds()), 0)
    sizes = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = []
    for unit, size in sizes:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"
