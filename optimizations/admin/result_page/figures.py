"""The four figures below the verdict, each with its interval or why it is withheld. Pure."""

from dataclasses import dataclass

from levered_site.number_texts import (
    NO_BREAK_SPACE,
    NO_VALUE,
    format_significant,
    write_minus,
)
from metrics.money import Money
from metrics.stats.means import OpenInterval
from optimizations.admin.result_page.wording import EVERY_LOOK, MetricWords
from optimizations.results.health.health import Health
from optimizations.results.readings.progress import Progress
from optimizations.results.readings.report import Results
from optimizations.results.readings.worth import Worth

BROKEN = "withheld while the arms cannot be compared; see Health"
MODELED = "modeled"
SAVED = "Saved against an even split"
CHANGED = "Change against an even split"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its note; `mark` says that it is no measurement."""

    title: str
    value: str
    note: str
    mark: str = ""


def build_figures(
    results: Results,
    progress: Progress,
    metric: MetricWords,
) -> list[Figure]:
    """Return what was won, what was saved, when it is decided, and by how many users."""
    is_broken = results.health.status == "broken"
    return [
        _build_extra(results.health, results.worth, metric),
        _build_saved(results, metric),
        Figure("Decision", NO_VALUE, BROKEN)
        if is_broken
        else _build_decision(progress),
        _build_users(progress),
    ]


def _build_extra(health: Health, worth: Worth, metric: MetricWords) -> Figure:
    is_bool = metric.reward_type == "bool"
    title = "Extra conversions so far" if is_bool else "Extra value so far"
    if health.status == "broken":
        return Figure(title, NO_VALUE, BROKEN)
    if worth.extra is None:
        return Figure(title, NO_VALUE, worth.unavailable.get("extra", ""))
    extra = _format_amount(worth.extra, is_bool=is_bool)
    if worth.amount is None:
        limits = _format_limits(worth.extra_ci_anytime, is_bool=is_bool)
        unknown = worth.unavailable.get("extra_ci_anytime", "")
        note = f"{EVERY_LOOK}: {limits}" if limits else unknown
        return Figure(title, extra, note)
    money = Money(worth.amount, worth.amount_ci_anytime, worth.currency)
    limits = money.format_interval(signed=True)
    sure = f"{EVERY_LOOK}: {limits}" if limits else ""
    note = _add_count(extra, metric, sure)
    return Figure("Earned so far", money.format_amount(signed=True), note)


def _format_limits(interval: OpenInterval | None, *, is_bool: bool) -> str:
    """Return both ends in words; empty without an interval."""
    if interval is None:
        return ""
    low, high = (
        None if end is None else _format_amount(end, is_bool=is_bool)
        for end in interval
    )
    if low is not None and high is not None:
        return f"between {low} and {high}"
    return f"at least {low}" if high is None else f"at most {high}"


def _format_amount(value: float, *, is_bool: bool) -> str:
    """Return a signed number; conversions are people, whose numbers are whole."""
    if is_bool:
        whole = round(value)
        return write_minus(f"{whole:+,}") if whole else "0"
    return format_significant(value, 3, sign="+")


def _build_saved(results: Results, metric: MetricWords) -> Figure:
    """Return what serving by the policy brought beyond an even split of the same users.

    Of what should become less, nobody reads a negative number as saved.
    """
    title = CHANGED if metric.is_less_better else SAVED
    if results.health.status == "broken":
        return Figure(title, NO_VALUE, BROKEN, MODELED)
    split, is_bool = results.even_split, metric.reward_type == "bool"
    money = split.amount_interval and Money(
        split.amount or 0.0, split.amount_interval, split.currency
    )
    limits = (
        money.format_interval(signed=True)
        if money
        else _format_limits(split.extra_interval, is_bool=is_bool)
    )
    if split.extra is None:
        reason = results.unavailable.get("even_split.extra", "")
        note = f"{reason} ({limits})" if limits else reason
        return Figure(title, NO_VALUE, note, MODELED)
    extra = _format_amount(split.extra, is_bool=is_bool)
    note = f"95% sure: {limits}, of {split.users:,} users served"
    if not money:
        return Figure(title, extra, note, MODELED)
    note = _add_count(extra, metric, note)
    return Figure(title, money.format_amount(signed=True), note, MODELED)


def _add_count(extra: str, metric: MetricWords, note: str) -> str:
    """Return the note of a sum of money, with the conversions that it is made of."""
    if metric.reward_type != "bool":  # the sum itself, in the metric's currency
        return note
    counted = f"{extra} of “{metric.name}”"
    return f"{counted}; {note}" if note else counted


def _build_decision(progress: Progress) -> Figure:
    days = progress.days_to_decision
    settled = ""
    if progress.winner is not None:
        share = f"{100 * progress.winner.share:.0f}{NO_BREAK_SPACE}%"
        settled = (
            f"variant {progress.winner.number} gets {share} of the optimized traffic"
        )
    if days is None:
        reason = progress.unavailable.get("days_to_decision", "")
        return Figure("Decision", NO_VALUE, reason)
    if days == 0:
        return Figure("Decision", "reached", settled or "the interval excludes zero")
    noun = "day" if days == 1 else "days"
    return Figure(
        "Decision", f"in {days:,} {noun}", _describe_range(progress) or settled
    )


def _describe_range(progress: Progress) -> str:
    if progress.days_to_decision_interval is None:
        return ""
    low, high = progress.days_to_decision_interval
    if low is None:
        return ""
    if high is None:
        return f"95% sure: not before {low:,} days; maybe more than a year"
    return f"95% sure: between {low:,} and {high:,} days, at today's traffic"


def _build_users(progress: Progress) -> Figure:
    users = progress.users
    total = users.optimized + users.holdout
    mature = (
        "" if progress.mature_users == total else f"; {progress.mature_users:,} mature"
    )
    return Figure("Users", f"{total:,}", f"{users.holdout:,} held out{mature}")
