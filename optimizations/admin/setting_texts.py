"""What follows from each setting of an optimization, said beside it before it is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString

from levered_site.limits import MAX_HOLDOUT_PERCENTAGE
from metrics.models import Metric
from optimizations.configuration.create_update import (
    ALWAYS_CHANGEABLE_FIELDS,
    CHANGEABLE_STATUSES,
)
from optimizations.models import Optimization

NEW_PERIOD: Final = "Starts a new measuring period"
FIXED_ONCE_LIVE: Final = "Fixed once the optimization has been live"
NEXT_TRAINING: Final = "Takes effect with the next training"
AT_ONCE: Final = "Takes effect at once"
NEXT_COUNT: Final = "Takes effect with the next count"
PERIOD_SETTINGS: Final = frozenset({"holdout_percentage", "excluded_combinations"})


@dataclass(frozen=True, slots=True)
class SettingText:
    """What a setting means, and what saving another value does to a live optimization."""

    effect: str
    meaning: str


TEXTS: Final[Mapping[str, SettingText]] = {
    "name": SettingText(
        AT_ONCE, "Lists, answers of the API and reports have the new name."
    ),
    "reward_metric": SettingText(FIXED_ONCE_LIVE, "What success is."),
    "guardrail_metrics": SettingText(
        NEXT_COUNT,
        "What must not suffer, counted for all users so far. Each new one takes a share "
        "of the error that is left, so its interval is wider than those before.",
    ),
    "assignment_source": SettingText(
        FIXED_ONCE_LIVE,
        "The query that reads from a connected warehouse who saw which variant. If its SQL "
        "changes, a new measuring period starts.",
    ),
    "holdout_percentage": SettingText(
        NEW_PERIOD,
        f"0 to {MAX_HOLDOUT_PERCENTAGE} % of users always get the baseline, and lift is "
        "measured against them. Users keep the variant that they have; new users are held "
        "out by the new share.",
    ),
    "expected_users": SettingText(
        FIXED_ONCE_LIVE,
        "The intervals that hold at every look are shortest at this number of users. "
        "Empty: 4 times the first full week's.",
    ),
    "allocation": SettingText(
        NEXT_TRAINING,
        "How users who are not held out are shared among the variants: default favors what "
        "looks best, thompson explores longer, uniform splits evenly.",
    ),
    "exploration_share": SettingText(
        NEXT_TRAINING,
        "0 to 0.2 of the traffic, spread evenly over the enabled variants: 0.01 is 1 %.",
    ),
    "retrain_every_minutes": SettingText(
        AT_ONCE,
        "5 to 10,080 minutes from one training to the next. Without new events there is "
        "none.",
    ),
    "excluded_combinations": SettingText(
        NEW_PERIOD,
        'A JSON list of levels that must not meet: [{"headline": "Hello"}]. Visitors who '
        "have such a variant are drawn again on their next visit.",
    ),
    "allowed_origins": SettingText(
        AT_ONCE,
        "One per line. Pages of any other origin are refused and show their fallback. "
        "Empty: any origin is served.",
    ),
    "public_policy": SettingText(
        AT_ONCE,
        "Anybody may read the levels and their probabilities, so that pages and servers "
        "can decide by themselves. It names neither the optimization nor its metrics.",
    ),
    "excluded_users": SettingText(
        NEXT_COUNT,
        "Ids that results leave out, one per line, on all days so far; they are served as "
        "before. abc* leaves out every id that begins with abc. Every day is counted again.",
    ),
}


def is_fixed(optimization: Optimization, name: str) -> bool:
    """Return whether a setting cannot change any more in the optimization's status."""
    api_name = "guardrail_metric_ids" if name == "guardrail_metrics" else name
    is_over = optimization.status not in CHANGEABLE_STATUSES
    return is_over and api_name not in ALWAYS_CHANGEABLE_FIELDS


def describe_settings(
    optimization: Optimization | None, names: Iterable[str]
) -> dict[str, SafeString]:
    """Return the text beside each of these settings."""
    return {
        name: _describe(optimization, name, TEXTS[name])
        for name in names
        if name in TEXTS
    }


def _describe(
    optimization: Optimization | None, name: str, text: SettingText
) -> SafeString:
    if optimization is None:
        return format_html("<b>{}.</b> {}", text.effect, text.meaning)
    effect = _find_effect(optimization, name, text)
    used = _describe_use(optimization) if name == "reward_metric" else ""
    return format_html("<b>{}.</b> {}{}", effect, text.meaning, used)


def _find_effect(optimization: Optimization, name: str, text: SettingText) -> str:
    """Return what saving does in the present status."""
    if is_fixed(optimization, name):
        return f"Fixed: the optimization is {optimization.status}"
    is_draft = optimization.went_live_at is None
    if is_draft and text.effect != FIXED_ONCE_LIVE:
        return "Changes nothing yet: it is a draft"
    return text.effect


def _describe_use(optimization: Optimization) -> str:
    """Return how many others a change of the metric itself would meet."""
    metric: Metric | None = optimization.reward_metric
    if metric is None:
        return ""
    uses = Q(reward_metric=metric) | Q(guardrail_metrics=metric)
    count = Optimization.objects.filter(uses, deleted_at=None).distinct().count()
    what = "optimization" if count == 1 else "optimizations"
    return (
        f" “{metric.name}” is used by {count:,} {what}: if what it counts changes, each live "
        "one starts a new measuring period."
    )
