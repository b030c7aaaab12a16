"""The health as a list: what is wrong with what to do, then what was checked and is right.

Pure. Whether something is wrong was judged by the results; here it gets a short name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from levered_site.number_texts import NO_BREAK_SPACE, format_percent
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.health.health import (
    BROKEN_CODES,
    GUARDRAIL_VIOLATED,
    LIFT_NEGATIVE,
    NOT_JUDGED,
    Health,
    HealthReason,
)
from optimizations.results.health.missing_counts import NOTHING_YET

State = Literal["ok", "watch", "bad", "open"]
ICONS: Mapping[State, str] = {
    "ok": "check",
    "watch": "priority_high",
    "bad": "close",
    "open": "schedule",
}
WORDS: Mapping[State, str] = {
    "ok": "Right:",
    "watch": "Warning:",
    "bad": "Wrong:",
    "open": "Open:",
}
SHORT_NAMES: Mapping[str, str] = {
    "sample_ratio": "The split is broken",
    "sample_ratio_daily": "The split was broken on some days",
    "arm_mismatch": "Users saw another arm than theirs",
    "unknown_variant": "Unknown variants were logged",
    "unknown_context": "Unknown contexts were logged",
    "missing_context": "A context factor is missing",
    "disabled_variant": "Disabled variants were shown",
    "unknown_policy_version": "Unknown policy versions were logged",
    "uncounted_exposures": "Exposures do not count",
    "crossover": "Users changed arms",
    "baseline_sanity": "The model misses the holdout",
    "one_id": "One id has too many exposures",
    "whales": "A few amounts decide",
    "unread_amounts": "Some values are no amounts",
    "guardrail_unread_amounts": "Some values of a guardrail are no amounts",
    LIFT_NEGATIVE: "The optimized arm does worse",
    GUARDRAIL_VIOLATED: "A guardrail suffers",
    "guardrail_hidden_harm": "The mean of a guardrail hides harm",
    "guardrail_not_counted": "A guardrail was not counted",
    "not_counted": "A metric could not be counted",
    "no_users": "No user was counted",
    "no_mature_users": "Nobody has had their time to convert",
    "no_rewards": "No reward was counted",
    "age": "The figures are old",
    "not_judged": "The health was not judged yet",
}
GUARDRAIL_TEXTS: Mapping[str, tuple[State, str]] = {
    "ok": ("ok", "{name}: no harm shown"),
    "pending": ("open", "{name}: too early to say"),
    "unknown": ("watch", "{name}: could not be counted"),
}


@dataclass(frozen=True, slots=True)
class HealthItem:
    """A line of the list; `detail` and `next_step` are empty where all is right."""

    state: State
    text: str
    detail: str = ""
    next_step: str = ""

    @property
    def icon(self) -> str:
        """The icon of the state, which the color repeats."""
        return ICONS[self.state]

    @property
    def word(self) -> str:
        """The state in a word, for who cannot see icon and color."""
        return WORDS[self.state]


def list_health(
    health: Health, checks: Mapping[str, Any], guardrails: Sequence[Guardrail]
) -> list[HealthItem]:
    """Return what is wrong first, then the main checks and guardrails that are right."""
    failed = {reason.code for reason in health.reasons}
    return [
        *map(_build_failed, health.reasons),
        *(item for name, item in _list_main_checks(checks) if name not in failed),
        *_list_guardrails(guardrails),
        *_count_other_checks(checks, failed),
    ]


def _build_failed(reason: HealthReason) -> HealthItem:
    if reason in NOTHING_YET:
        return HealthItem("open", "Not counted yet")
    is_bad = reason.code in (*BROKEN_CODES, GUARDRAIL_VIOLATED)
    return HealthItem(
        "bad" if is_bad else "watch",
        SHORT_NAMES.get(reason.code, "Something is wrong"),
        reason.message,
        reason.next,
    )


def _list_main_checks(checks: Mapping[str, Any]) -> Iterator[tuple[str, HealthItem]]:
    """Yield the checks that have a line of their own, passed or not made yet."""
    for name, describe in MAIN_CHECKS.items():
        check = checks.get(name)
        if check is not None and (item := describe(check)) is not None:
            yield name, item


def _describe_split(check: Any) -> HealthItem | None:
    if check.ok is None or check.observed_share is None:
        return HealthItem("open", "Too few users to check the split")
    observed, expected = (
        format_percent(100 * share)
        for share in (check.observed_share, check.expected_share)
    )
    return HealthItem("ok", f"Split as configured: {observed} held out of {expected}")


def _describe_maturity(check: Any) -> HealthItem | None:
    if check.share is None:
        return None
    state: State = "ok" if check.ok else "open"
    share = f"{100 * check.share:.0f}{NO_BREAK_SPACE}%"
    return HealthItem(state, f"{share} of users have had their time to convert")


def _describe_baseline(check: Any) -> HealthItem | None:
    if check.reason == NOT_JUDGED:
        return HealthItem("open", f"The model against the holdout: {NOT_JUDGED}")
    if check.ok is None:
        return HealthItem("open", "Too few users to check the model by the holdout")
    return HealthItem("ok", "The model agrees with the holdout")


def _describe_crossover(check: Any) -> HealthItem | None:
    if check.share is None:
        return None
    if not check.share:
        return HealthItem("ok", "Nobody changed arms")
    return HealthItem("ok", f"{format_percent(100 * check.share)} changed arms")


MAIN_CHECKS = {
    "sample_ratio": _describe_split,
    "maturity": _describe_maturity,
    "baseline_sanity": _describe_baseline,
    "crossover": _describe_crossover,
}


def _list_guardrails(guardrails: Sequence[Guardrail]) -> Iterator[HealthItem]:
    """Yield a line for each guardrail that is not among the reasons already."""
    for row in guardrails:
        if row.status in GUARDRAIL_TEXTS and row.message is None:
            state, text = GUARDRAIL_TEXTS[row.status]
            yield HealthItem(state, text.format(name=row.name))


def _count_other_checks(
    checks: Mapping[str, Any], failed: set[str]
) -> Iterator[HealthItem]:
    others = [
        name
        for name, check in checks.items()
        if check is not None
        and check.ok
        and name not in MAIN_CHECKS
        and name not in failed
    ]
    if others:
        noun = "check passes" if len(others) == 1 else "checks pass"
        yield HealthItem("ok", f"{len(others)} more {noun}")
