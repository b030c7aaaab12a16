"""What a page without a log-in does not say: texts of errors, and values from events.

The figures stay as they are.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from optimizations.results.health.health import (
    GUARDRAIL_VIOLATED,
    LIFT_NEGATIVE,
    Health,
    HealthReason,
)
from optimizations.results.readings.full_results import FullResults
from optimizations.results.reasons import Reasons

# Reasons that speak of arms, shares and days only. All others may quote a warehouse's
# error, or a value that some visitor sent.
TOLD_OUTSIDE: Final = frozenset(
    {
        *("sample_ratio", "sample_ratio_daily", "arm_mismatch", "crossover"),
        *("baseline_sanity", "no_users", "no_mature_users", "no_rewards", "age"),
        *("not_judged", GUARDRAIL_VIOLATED, LIFT_NEGATIVE),
    }
)
DETAILS = "Whoever shared this page knows the details."
ASK = "Ask them before you decide."
UNSAID = "the metric could not be counted"


def hide_internals(full: FullResults, failures: Iterable[str]) -> FullResults:
    """Return the results without what only staff should read.

    `failures` are the messages of counts that failed, which reasons of null figures quote.
    """
    texts = [text for text in failures if text]
    return replace(
        full,
        results=replace(
            full.results,
            health=hide_details(full.results.health),
            notes=[],
            unavailable=_hide_texts(full.results.unavailable, texts),
            worth=replace(
                full.results.worth,
                unavailable=_hide_texts(full.results.worth.unavailable, texts),
            ),
        ),
        progress=replace(
            full.progress, unavailable=_hide_texts(full.progress.unavailable, texts)
        ),
        guardrails=replace(
            full.guardrails,
            health=hide_details(full.guardrails.health),
            guardrails=[
                replace(row, unavailable=_hide_texts(row.unavailable, texts))
                for row in full.guardrails.guardrails
            ],
        ),
        daily=[
            replace(day, health=day.health and hide_details(day.health))
            for day in full.daily
        ],
    )


def hide_details(health: Health) -> Health:
    """Return the health; what may quote something says its short name only."""
    return replace(health, reasons=[_hide_detail(each) for each in health.reasons])


def _hide_detail(reason: HealthReason) -> HealthReason:
    if reason.code in TOLD_OUTSIDE:
        return reason
    return HealthReason(reason.code, DETAILS, ASK)


def _hide_texts(reasons: Reasons, texts: Iterable[str]) -> Reasons:
    return {
        name: UNSAID if any(text in reason for text in texts) else reason
        for name, reason in reasons.items()
    }
