"""What choosing by context is worth, as a figure and as a sentence. Pure."""

from levered_site.admin import html
from metrics.stats import Interval
from optimizations.admin.result_page.figures import BROKEN, MODELED, Figure
from optimizations.results.readings.report import Results
from optimizations.results.reasons import NOT_IN_REPORT

TITLE = "Choosing by context is worth"
NAME = "stats.personalization_percent"
NOTHING = (0.0, 0.0)  # the interval where one variant leads in every context


def build_personalization(results: Results) -> Figure:
    """Return what each context's own leading variant adds to one variant for all.

    Without a figure its note is the reason.
    """
    stats = results.stats
    if results.health.status == "broken":
        return Figure(TITLE, html.NO_VALUE, BROKEN, MODELED)
    if stats.personalization_interval == NOTHING:
        return Figure(TITLE, html.NO_VALUE, _describe_one_leader(results), MODELED)
    limits = _describe_limits(stats.personalization_interval)
    if stats.personalization_percent is None:
        reason = results.unavailable.get(NAME, "")
        note = f"{reason}: {limits}" if limits else reason
        return Figure(TITLE, html.NO_VALUE, note, MODELED)
    value = html.format_percent(stats.personalization_percent, signed=True)
    note = (
        f"95% sure: {limits}. Each context has its own leading variant, beside variant "
        f"{stats.best_variant} for everybody."
    )
    return Figure(TITLE, value, note, MODELED)


def describe_personalization(results: Results) -> str:
    """Return the same in a sentence; empty where there is no context to choose by."""
    if not results.contexts or results.health.status == "broken":
        return ""
    stats = results.stats
    if stats.personalization_interval == NOTHING:
        return _describe_one_leader(results)
    limits = _describe_limits(stats.personalization_interval)
    if stats.personalization_percent is None:
        reason = results.unavailable.get(NAME, "")
        if reason == NOT_IN_REPORT:
            return f"What choosing by context is worth is {reason}."
        seen = f" ({limits})" if limits else ""
        return f"What choosing by context is worth is withheld: {reason}{seen}."
    value = html.format_percent(stats.personalization_percent, signed=True)
    return (
        f"Choosing by context is worth {value} beside variant {stats.best_variant} for "
        f"everybody; 95% sure, by the model: {limits}."
    )


def _describe_one_leader(results: Results) -> str:
    return (
        f"Variant {results.stats.best_variant} leads in every context: choosing by "
        "context adds nothing so far."
    )


def _describe_limits(interval: Interval | None) -> str:
    """Return the interval in words; empty without one."""
    if interval is None:
        return ""
    low, high = (html.format_percent(end, signed=True) for end in interval)
    return f"between {low} and {high}"


def build_comparisons(results: Results) -> list[Figure]:
    """Return what is served now, and the leader for everybody, against the baseline."""
    stats = results.stats
    leader = "" if stats.best_variant is None else f"Variant {stats.best_variant}: "
    return [
        _build_lift(
            results,
            "What is served, against the baseline",
            "estimated_improvement",
        ),
        _build_lift(
            results, "One variant for everybody, likewise", "best_vs_baseline", leader
        ),
    ]


def _build_lift(results: Results, title: str, name: str, prefix: str = "") -> Figure:
    if results.health.status == "broken":
        return Figure(title, html.NO_VALUE, BROKEN, MODELED)
    percent = getattr(results.stats, f"{name}_percent")
    limits = _describe_limits(getattr(results.stats, f"{name}_interval"))
    if percent is None:
        reason = results.unavailable.get(f"stats.{name}_percent", "")
        note = f"{reason}: {limits}" if limits else reason
        return Figure(title, html.NO_VALUE, f"{prefix}{note}", MODELED)
    value = html.format_percent(percent, signed=True)
    return Figure(title, value, f"{prefix}95% sure: {limits}", MODELED)
