"""Health of an optimization's figures: what is wrong with them, and what to do about it.

Pure: everything is judged from figures that were loaded before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

from metrics.stats import BaselineSanity, DailySampleRatio, SampleRatio, ShareCheck
from optimizations.results.frequent_id import OneIdCheck

HealthStatus = Literal["ok", "warning", "broken"]
Check = SampleRatio | DailySampleRatio | ShareCheck | OneIdCheck | BaselineSanity

# With these the arms do not compare like with like: no figure of them can be trusted.
BROKEN_CODES = (
    "sample_ratio",
    "sample_ratio_daily",
    "arm_mismatch",
    "unknown_variant",
)
GUARDRAIL_VIOLATED = "guardrail_violated"
# Counts of a live optimization are old after a day, or after three missed trainings
# where it trains more rarely.
MIN_AGE_LIMIT = timedelta(hours=24)
MISSED_TRAININGS = 3
SMALLEST_P = 1e-100
STATUS_NOTE = (
    "broken: the arms do not compare like with like, so no lift can be trusted. "
    "warning: read the reasons before deciding."
)
CODE_NOTE = (
    "sample_ratio, sample_ratio_daily, arm_mismatch and unknown_variant (broken); "
    "unknown_context, disabled_variant, unknown_policy_version, uncounted_exposures, "
    "crossover, baseline_sanity, one_id, "
    "guardrail_violated, not_counted, age, not_judged (warning)."
)


@dataclass(frozen=True, slots=True)
class HealthReason:
    """Something that is wrong with the figures, in plain words with its own figures."""

    code: Annotated[str, CODE_NOTE]
    message: str
    next: Annotated[str, "What to do."]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the figures can be trusted; without reasons they can."""

    status: Annotated[HealthStatus, STATUS_NOTE]
    reasons: list[HealthReason]
    as_of: Annotated[datetime | None, "When the warehouse counted what was judged."]


@dataclass(frozen=True, slots=True)
class AgeCheck:
    """Whether the counts are older than `limit_hours`; `ok` is None unless it is live."""

    ok: bool | None
    limit_hours: float
    reason: str | None


class ComparedMetric(Protocol):
    """A metric as both arms have it: what a reason quotes of a guardrail."""

    @property
    def name(self) -> str: ...
    @property
    def reward_type(self) -> str: ...
    @property
    def optimization_rate(self) -> float | None: ...
    @property
    def holdout_rate(self) -> float | None: ...
    @property
    def lift_percent(self) -> float | None: ...
    @property
    def p_value_anytime(self) -> float | None: ...


def judge_health(reasons: Iterable[HealthReason], as_of: datetime | None) -> Health:
    """Return the health that the reasons amount to; the broken ones come first."""
    ordered = sorted(reasons, key=lambda reason: reason.code not in BROKEN_CODES)
    if not ordered:
        return Health("ok", [], as_of)
    is_broken = ordered[0].code in BROKEN_CODES
    return Health("broken" if is_broken else "warning", ordered, as_of)


def needs_confirmation(health: Health) -> bool:
    """Return whether nobody may ship without confirming that the reasons are known."""
    return health.status == "broken" or any(
        reason.code == GUARDRAIL_VIOLATED for reason in health.reasons
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


def describe_violated_guardrail(guardrail: ComparedMetric) -> HealthReason:
    """Return the reason of a guardrail whose metric became worse, with its rates."""
    percent, p_value = guardrail.lift_percent, guardrail.p_value_anytime
    change = "" if percent is None else f", {percent:+.1f}%"
    evidence = (
        "" if p_value is None else f" (p {_format_p(p_value)} at all looks together)"
    )
    kind = guardrail.reward_type
    return HealthReason(
        GUARDRAIL_VIOLATED,
        f"The guardrail “{guardrail.name}” is violated: "
        f"{_format_mean(guardrail.optimization_rate, kind)} per user in the optimized "
        f"arm against {_format_mean(guardrail.holdout_rate, kind)} in the holdout"
        f"{change}{evidence}.",
        "Weigh this harm against the lift before you decide. To stop it, disable the "
        "variants that cause it, or pause; the guardrails' own result has the intervals.",
    )


def describe_failed_count(name: str, message: str, failed_at: datetime) -> HealthReason:
    """Return the reason of a metric that could not be counted, with the error."""
    return HealthReason(
        "not_counted",
        f"“{name}” could not be counted at {failed_at:%Y-%m-%d %H:%M} UTC, so its figures "
        f"are older: {message}",
        "Correct what the message names (the metric's SQL, the connection or the events), "
        "then count again with refresh=true or train.",
    )


def check_age(
    as_of: datetime | None,
    live_since: datetime | None,
    now: datetime,
    retrain_every_minutes: int,
) -> AgeCheck:
    """Check that a live optimization was counted lately.

    `live_since` is None unless it is live. Before the first count its age counts from
    the launch.
    """
    limit = max(
        MIN_AGE_LIMIT, MISSED_TRAININGS * timedelta(minutes=retrain_every_minutes)
    )
    limit_hours = limit / timedelta(hours=1)
    if live_since is None:
        reason = "it is not live: nothing is counted regularly"
        return AgeCheck(ok=None, limit_hours=limit_hours, reason=reason)
    age = now - (as_of or live_since)
    if age <= limit:
        return AgeCheck(ok=True, limit_hours=limit_hours, reason=None)
    hours = age / timedelta(hours=1)
    event = "the last count" if as_of else "going live, without a count since,"
    reason = f"{event} was {hours:.0f} hours ago; at most {limit_hours:.0f} are normal"
    return AgeCheck(ok=False, limit_hours=limit_hours, reason=reason)


def describe_age(check: AgeCheck) -> list[HealthReason]:
    """Return the reason if the counts are too old."""
    if check.ok is not False:
        return []
    return [
        HealthReason(
            "age",
            f"The figures are old: {check.reason}.",
            "Check that events arrive and that the last training succeeded, then count "
            "again with refresh=true.",
        )
    ]


def _format_p(p_value: float) -> str:
    """Return a p-value in short; one too small for a number is still above zero."""
    return f"{p_value:.1g}" if p_value >= SMALLEST_P else f"below {SMALLEST_P:g}"


def _format_mean(mean: float | None, kind: str) -> str:
    if mean is None:
        return "unknown"
    return f"{100 * mean:.3g}%" if kind == "bool" else f"{mean:.4g}"


@dataclass(frozen=True, slots=True)
class _CheckText:
    """How a failed check is told, and what to do then."""

    describe: Callable[[Any], str]
    next: str


def _describe_sample_ratio(check: Any) -> str:
    return (
        f"The holdout has {100 * check.observed_share:.3g}% of the users where "
        f"{100 * check.expected_share:.3g}% are configured (p {_format_p(check.p_value)}): users "
        "of one arm are lost, so the arms do not compare like with like."
    )


def _describe_daily_ratio(check: Any) -> str:
    days = "; ".join(
        f"{day.date}: {100 * day.observed_share:.3g}% of {day.users} users where "
        f"{100 * day.expected_share:.3g}% are configured"
        for day in check.days
    )
    return (
        f"The holdout's share of the users is right in total, not by day ({days}; p "
        f"{_format_p(check.p_value)}): users of one arm were lost for a time, so the arms do not "
        "compare like with like."
    )


def _describe_share(check: Any) -> str:
    return f"{check.reason}; at most {100 * check.limit:.3g}% is normal."


def _describe_baseline(check: Any) -> str:
    distance = "" if check.z is None else f", {abs(check.z):.1f} standard errors apart"
    return (
        f"The model expects {check.model_mean:.4g} per user of the baseline where the "
        f"recent holdout has {check.holdout_mean:.4g}{distance}: modeled figures are "
        "withheld."
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


CHECK_TEXTS: Mapping[str, _CheckText] = {
    "sample_ratio": _CheckText(
        _describe_sample_ratio,
        "Do not decide by these figures. Compare the users of both arms by day "
        "(holdout_daily), find where exposures of one arm get lost, and correct it.",
    ),
    "sample_ratio_daily": _CheckText(
        _describe_daily_ratio,
        "Do not decide by these figures. Find what lost exposures of one arm on these days "
        "(holdout_daily has both arms), correct it, and measure anew from a day on which "
        "both arms are whole.",
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
        "checks.uncounted_exposures says when: log exposures only while the optimization "
        "is live, with their own time.",
    ),
    "one_id": _CheckText(
        _describe_share,
        "Look at checks.one_id for the id: give people ids of their own, or exclude a "
        "test user or crawler in the admin (excluded users).",
    ),
}
