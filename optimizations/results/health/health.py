"""Health of an optimization's figures: what is wrong with them, and what to do about it.

Pure: everything is judged from figures that were loaded before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Protocol

from levered_site.number_texts import format_significant

HealthStatus = Literal["ok", "warning", "broken"]
# With these the arms do not compare like with like: no figure of them can be trusted.
BROKEN_CODES = (
    "sample_ratio",
    "sample_ratio_daily",
    "arm_mismatch",
    "unknown_variant",
)
NOT_COMPARABLE = (
    "the arms cannot be compared, so what the model learned from them cannot be "
    "trusted; see health"
)
NOT_JUDGED = "not judged while the arms cannot be compared"
GUARDRAIL_VIOLATED = "guardrail_violated"
GUARDRAIL_HARM = "guardrail_hidden_harm"  # by companions of amounts, not by the mean
LIFT_NEGATIVE = "lift_negative"
PAST_EVENTS = {
    "detached": "it was detached",
    "redefined": "its metric was redefined",
}
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
    "unknown_context, missing_context, disabled_variant, unknown_policy_version, "
    "uncounted_exposures, crossover, baseline_sanity, one_id, whales, unread_amounts, "
    "guardrail_unread_amounts, lift_negative, guardrail_violated, "
    "guardrail_hidden_harm, guardrail_not_counted, not_counted, no_users, "
    "no_mature_users, no_rewards, age, not_judged (warning)."
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


class ComparedArms(Protocol):
    """What a reason quotes of a metric that both arms have."""

    @property
    def optimization_rate(self) -> float | None: ...
    @property
    def holdout_rate(self) -> float | None: ...
    @property
    def lift_percent(self) -> float | None: ...
    @property
    def p_value_anytime(self) -> float | None: ...


class ComparedGuardrail(ComparedArms, Protocol):
    """A guardrail as both arms have it."""

    @property
    def name(self) -> str: ...
    @property
    def reward_type(self) -> str: ...


def judge_health(reasons: Iterable[HealthReason], as_of: datetime | None) -> Health:
    """Return the health that the reasons amount to; the broken ones come first."""
    ordered = sorted(reasons, key=lambda reason: reason.code not in BROKEN_CODES)
    if not ordered:
        return Health("ok", [], as_of)
    is_broken = ordered[0].code in BROKEN_CODES
    return Health("broken" if is_broken else "warning", ordered, as_of)


def explain_broken(health: Health) -> str | None:
    """Return why modeled figures are withheld by the health, or None.

    Who is missing, and from which variant, nobody knows: what the model believes of each
    variant rests on the same users as the lift does.
    """
    return NOT_COMPARABLE if health.status == "broken" else None


def needs_confirmation(health: Health) -> bool:
    """Return whether nobody may ship without confirming that the reasons are known.

    Any reason is one: nobody knows better than who ships whether it matters.
    """
    return health.status != "ok"


def describe_violated_guardrail(guardrail: ComparedGuardrail) -> HealthReason:
    """Return the reason of a guardrail whose metric became worse, with its rates."""
    return HealthReason(
        GUARDRAIL_VIOLATED,
        f"The guardrail “{guardrail.name}” is violated: "
        f"{describe_difference(guardrail, guardrail.reward_type)}.",
        "Weigh this harm against the lift before you decide. To stop it, disable the "
        "variants that cause it, or pause; the guardrails' own result has the intervals.",
    )


def describe_difference(arms: ComparedArms, kind: str) -> str:
    """Return both arms' rates, their change and its evidence, in words."""
    percent, p_value = arms.lift_percent, arms.p_value_anytime
    change = "" if percent is None else f", {percent:+.1f}%"
    evidence = (
        "" if p_value is None else f" (p {format_p(p_value)} at all looks together)"
    )
    return (
        f"{_format_mean(arms.optimization_rate, kind)} per user in the optimized "
        f"arm against {_format_mean(arms.holdout_rate, kind)} in the holdout"
        f"{change}{evidence}"
    )


def describe_past_violation(
    reason: HealthReason, cause: str, ended_on: str
) -> HealthReason:
    """Return the reason of a guardrail that was violated until it was no longer counted.

    `cause` is one of PAST_EVENTS, and `reason` what the last count of it said.
    """
    return HealthReason(
        GUARDRAIL_VIOLATED,
        f"A guardrail was violated until {PAST_EVENTS[cause]} on {ended_on}. The last "
        f"count of it said: {reason.message}",
        "That harm was measured, and nothing has shown since that it is over. Attach the "
        "guardrail again as it was to have it judged, or weigh it when you decide.",
    )


def describe_failed_count(
    name: str, message: str, failed_at: datetime, *, was_counted: bool
) -> HealthReason:
    """Return the reason of a metric that could not be counted, with the error.

    `was_counted` is whether there are earlier counts of it as it is defined now.
    """
    consequence = (
        "so its figures are older"
        if was_counted
        else "and never before as it is defined now, so it has no figures"
    )
    return HealthReason(
        "not_counted",
        f"“{name}” could not be counted at {failed_at:%Y-%m-%d %H:%M} UTC, {consequence}: "
        f"{_end_sentence(message)}",
        "Correct what the message names (the metric's SQL, the connection or the events), "
        "then count again (“Count now”, refresh=true in the API) or train.",
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
            "again (“Count now”, refresh=true in the API).",
        )
    ]


def format_p(p_value: float) -> str:
    """Return a p-value in short; one too small for a number is still above zero."""
    return f"{p_value:.1g}" if p_value >= SMALLEST_P else f"below {SMALLEST_P:g}"


def _end_sentence(text: str) -> str:
    """Return a warehouse's message with a full stop, so that a sentence may follow."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _format_mean(mean: float | None, kind: str) -> str:
    if mean is None:
        return "unknown"
    return f"{100 * mean:.3g}%" if kind == "bool" else format_significant(mean)
