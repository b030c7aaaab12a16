"""What a failed check says of the figures, and what to do then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from levered_site.number_texts import format_significant
from metrics.stats import BaselineSanity, DailySampleRatio, SampleRatio, ShareCheck
from optimizations.results.checks.frequent_id import OneIdCheck
from optimizations.results.checks.logged_levels import MissingContextCheck
from optimizations.results.checks.whale_check import WhaleCheck
from optimizations.results.health import unread_amounts
from optimizations.results.health.health import HealthReason, format_p
from optimizations.results.health.unread_amounts import UnreadAmountsCheck

MISSING_CONTEXT_NOTE = (
    "Such users count as (missing) of that factor, which tells nothing about its levels; "
    "the lift is not affected. Send it with every exposure, unless it is optional."
)
Check = (
    SampleRatio
    | DailySampleRatio
    | ShareCheck
    | OneIdCheck
    | BaselineSanity
    | WhaleCheck
    | UnreadAmountsCheck
)


def describe_failed_checks(checks: Mapping[str, Check | None]) -> list[HealthReason]:
    """Return the reason of each failed check. Maturity is no fault: users just wait.

    A split that is wrong in total is so on some days, too: that is one reason.
    """
    total = checks.get("sample_ratio")
    if total is not None and total.ok is False:
        checks = {**checks, "sample_ratio_daily": None}
    return [
        HealthReason(name, text.describe(check), text.next)
        for name, text in CHECK_TEXTS.items()
        if (check := checks.get(name)) is not None and check.ok is False
    ]


@dataclass(frozen=True, slots=True)
class _CheckText:
    """How a failed check is told, and what to do then."""

    describe: Callable[[Any], str]
    next: str


def _describe_sample_ratio(check: Any) -> str:
    return (
        f"The holdout has {100 * check.observed_share:.3g}% of the users where "
        f"{100 * check.expected_share:.3g}% are expected from what each period holds out (p "
        f"{format_p(check.p_value)}): users of one arm are lost, so the arms do not compare "
        "like with like."
    )


def _describe_daily_ratio(check: Any) -> str:
    days = "; ".join(
        f"{day.date}: {100 * day.observed_share:.3g}% of {day.users} users where "
        f"{100 * day.expected_share:.3g}% are configured"
        for day in check.days
    )
    return (
        f"The holdout's share of the users is right in total, not by day ({days}; p "
        f"{format_p(check.p_value)}): users of one arm were lost for a time, so the arms do not "
        "compare like with like."
    )


def _describe_share(check: Any) -> str:
    return f"{check.reason}; at most {100 * check.limit:.3g}% is normal."


def _describe_baseline(check: Any) -> str:
    distance = "" if check.z is None else f", {abs(check.z):.1f} standard errors apart"
    return (
        f"The model expects {format_significant(check.model_mean)} per user of the baseline where the "
        f"recent holdout has {format_significant(check.holdout_mean)}{distance}: modeled figures are "
        "withheld."
    )


def _describe_whales(check: Any) -> str:
    optimized = check.users - check.in_holdout
    if check.bounded:
        size = f"more than {format_significant(check.above)}"
        counted_as = format_significant(check.counted_as)
        learned = f"the model counts each as one of {counted_as}"
    else:
        size = f"about {format_significant(check.above)} or more"
        learned = "the model learns from them in full, so what it serves does, too"
    numbers = ", ".join(map(str, check.variants))
    noun = "variant" if len(check.variants) == 1 else "variants"
    place = f" They are in {noun} {numbers}." if numbers else ""
    return (
        f"{check.reason}, each with {size}: {optimized} in the "
        f"optimized arm, {check.in_holdout} in the holdout.{place} The mean and its lift "
        f"hang on them; {learned}."
    )


def _describe_unknown_values(check: Any) -> str:
    examples = [
        f"“{example.value}”"
        + (f" of {example.factor}" if example.factor else "")
        + (
            f" (written “{example.differs_in_case_from}” in the configuration)"
            if example.differs_in_case_from
            else ""
        )
        for example in check.examples
    ]
    named = f" The commonest: {', '.join(examples)}." if examples else ""
    return f"{_describe_share(check)}{named}"


def _describe_missing_context(check: Any) -> str:
    seen = "; ".join(check.keys_seen) or "not known"
    return f"{_describe_missing_factors(check)}; keys seen: {seen}."


def _describe_missing_factors(check: MissingContextCheck) -> str:
    factors = "; ".join(
        f"context factor {factor.factor} was missing in "
        f"{100 * factor.missing / factor.first_exposures:.3g}% ({factor.missing} of "
        f"{factor.first_exposures}) of first exposures"
        + (
            f" (a key seen is “{factor.differs_in_case_from}”)"
            if factor.differs_in_case_from
            else ""
        )
        for factor in check.factors
    )
    return f"{factors[:1].upper()}{factors[1:]}"


def note_missing_context(check: MissingContextCheck) -> list[str]:
    """Return a note on factors that many users lack; none where the check fails.

    A factor may be optional, so that it is no fault.
    """
    if check.ok is False or not check.factors:
        return []
    return [f"{_describe_missing_factors(check)}. {MISSING_CONTEXT_NOTE}"]


CHECK_TEXTS: Mapping[str, _CheckText] = {
    "sample_ratio": _CheckText(
        _describe_sample_ratio,
        "Do not decide by these figures. Compare the users of both arms by day, find "
        "where exposures of one arm get lost, and correct it.",
    ),
    "sample_ratio_daily": _CheckText(
        _describe_daily_ratio,
        "Do not decide by these figures. Find what lost exposures of one arm on these days "
        "(compare the arms by day), correct it, and measure again from a day on which both "
        "arms are whole.",
    ),
    "arm_mismatch": _CheckText(
        _describe_share,
        "Do not decide by these figures. Show each user exactly the variant that serve "
        "answered, also to the holdout, and send that one as the exposure.",
    ),
    "crossover": _CheckText(
        _describe_share,
        "Use one anonymous_id per person that stays the same, and keep showing the "
        "variant that serve answers. The measured lift is diluted until then.",
    ),
    "baseline_sanity": _CheckText(
        _describe_baseline,
        "Rely on the measured lift. Check that both arms send their events, and train "
        "again; until the two agree, do not use what the model says.",
    ),
    "unknown_variant": _CheckText(
        _describe_unknown_values,
        "Do not decide by these figures. Log each variant exactly as serve answers it: "
        "every factor, and the levels as configured, in the same case.",
    ),
    "unknown_context": _CheckText(
        _describe_unknown_values,
        "Send the levels as configured, in the same case. Nothing is learned for a value "
        "that is no level; the lift is not affected.",
    ),
    "missing_context": _CheckText(
        _describe_missing_context,
        "Send the context factor under its configured name, in the same case, in a JSON "
        "object. Nothing is learned by it until then; the lift is not affected.",
    ),
    "disabled_variant": _CheckText(
        _describe_share,
        "Show what serve answers, and do not cache its answers. Such users count for the "
        "variant that they saw.",
    ),
    "unknown_policy_version": _CheckText(
        _describe_share,
        "Log the policy_version of serve's answer. Such users count in the lift, but not "
        "in off-policy evaluation.",
    ),
    "uncounted_exposures": _CheckText(
        _describe_share,
        "The check of uncounted exposures says when: log exposures only while the "
        "optimization is live, with their own time.",
    ),
    "unread_amounts": _CheckText(
        unread_amounts.describe_unread, unread_amounts.CORRECT_SQL
    ),
    "whales": _CheckText(
        _describe_whales,
        "Read the capped revenue, the rate of payers and the typical payment beside the "
        "mean. Find out whether these amounts are real: correct wrong ones at their "
        "source, or exclude test users in the admin (excluded users).",
    ),
    "one_id": _CheckText(
        _describe_share,
        # The reason is stored, beyond the erasure of a person, so it names no id itself.
        "The id is checks.one_id.anonymous_id of the results: give people ids of their "
        "own, or exclude a test user or crawler in the admin (excluded users).",
    ),
}
