"""Which live optimizations wait for a person, the most urgent first, and why.

Everything is read from what counts and trainings stored.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models import (
    BigIntegerField,
    Case,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThanOrEqual

from levered_site.number_texts import format_percent, format_significant
from metrics.models import Metric
from models_app.models import TrainingRun
from optimizations.models import Optimization, RecordingGap
from optimizations.results.health import health, health_queries
from optimizations.results.health.health import Health

Kind = Literal["split", "guardrail", "harm", "training", "silence", "decided"]
# The most urgent first.
KINDS: tuple[Kind, ...] = (
    *("split", "guardrail", "harm", "training", "silence", "decided"),
)
SILENCE_CODES = ("age", "not_counted", "no_users", "no_rewards")
PAST_VIOLATION = (
    '$[*] ? (!exists(@.undecided) && @.reason.code != "guardrail_not_counted")'
)
ABOVE_ZERO, BELOW_ZERO = "$[0] ? (@ > 0)", "$[1] ? (@ < 0)"
# So many users more would have come by now, as fast as before, where none has: by chance
# that happens to one optimization in 150.
EXPECTED_USERS = 5
AFTER_PAUSE = timedelta(days=2)  # after a pause users come back slowly
ERROR_LENGTH = 240


@dataclass(frozen=True, slots=True)
class Attention:
    """Why an optimization waits for a person, in a sentence.

    `code` is that of the reason of the health, where there is one.
    """

    kind: Kind
    message: str
    code: str = ""


def annotate_attention(rows: QuerySet[Any], now: datetime) -> QuerySet[Any]:
    """Add `attention`, the place of the most urgent kind in KINDS, or null.

    The rows have a health: see `health_queries.annotate_health`.
    """
    runs = TrainingRun.objects.filter(model=OuterRef("model_id"))
    newest = runs.order_by("-created_at", "-id").values("status")[:1]
    conditions: dict[Kind, Q] = {
        "split": Q(health="broken"),
        "guardrail": Q(health_queries.query_violations())
        | health_queries.matches_path("past_violations", PAST_VIOLATION),
        "harm": health_queries.has_check_reason(health.LIFT_NEGATIVE),
        "training": Q(last_run=TrainingRun.Status.FAILED),
        "silence": health_queries.has_check_reason("no_users", "no_rewards")
        | Q(health_queries.query_failures())
        | health_queries.is_counted_late(now)
        | _is_silent(now),
        "decided": Q(health__isnull=False) & _is_better(),
    }
    is_live = Q(status=Optimization.Status.LIVE)
    found: QuerySet[Any] = rows.annotate(last_run=Subquery(newest)).annotate(
        attention=Case(
            When(~is_live, then=Value(None)),
            *(
                When(conditions[kind], then=Value(place))
                for place, kind in enumerate(KINDS)
            ),
            default=Value(None),
            output_field=IntegerField(null=True),
        )
    )
    return found


def select_waiting(rows: QuerySet[Any], limit: int) -> list[Any]:
    """Return the most urgent optimizations, with their last training."""
    runs = TrainingRun.objects.filter(model=OuterRef("model_id"))
    newest = runs.order_by("-created_at", "-id")
    waiting = rows.filter(attention__isnull=False).annotate(
        last_run_id=Subquery(newest.values("pk")[:1]),
        last_run_error=Subquery(newest.values("error")[:1]),
        last_run_at=Subquery(newest.values("updated_at")[:1]),
    )
    return list(waiting.order_by("attention", "-went_live_at", "pk")[:limit])


def describe_attention(optimization: Any, judged: Health) -> Attention:
    """Return why an optimization that `select_waiting` found waits."""
    kind = KINDS[optimization.attention]
    if kind == "training":
        error = " ".join(optimization.last_run_error.split()) or "no error was stored"
        shown = error[:ERROR_LENGTH] + ("…" if len(error) > ERROR_LENGTH else "")
        at = f"{optimization.last_run_at:%Y-%m-%d %H:%M}"
        return Attention(kind, f"The last training failed at {at} UTC: {shown}")
    if kind == "decided":
        return Attention(kind, _describe_decision(optimization, judged))
    codes = {
        "split": health.BROKEN_CODES,
        "guardrail": (health.GUARDRAIL_VIOLATED, health.GUARDRAIL_HARM),
        "harm": (health.LIFT_NEGATIVE,),
        "silence": SILENCE_CODES,
    }[kind]
    for reason in judged.reasons:
        if reason.code in codes:
            return Attention(kind, reason.message, reason.code)
    summary = getattr(optimization, "results_summary", None)
    day = summary and summary.newest_user_day
    if kind == "silence" and day is not None:
        return Attention(kind, f"No new user came since {day:%Y-%m-%d}.", "silent")
    return Attention(kind, "It was counted again just now: open it.")


def _is_better() -> Q:
    """Select where the interval of all looks together shows an improvement."""
    is_less_better = Q(reward_metric__direction=Metric.Direction.DECREASE)
    sides = []
    for name in ("lift_ci_anytime", "difference_ci_anytime"):
        above = health_queries.matches_path(name, ABOVE_ZERO)
        below = health_queries.matches_path(name, BELOW_ZERO)
        sides.append((is_less_better & below) | (~is_less_better & above))
    has_lift = Q(results_summary__lift_ci_anytime__isnull=False)
    return sides[0] | (~has_lift & sides[1])


def _is_silent(now: datetime) -> Q:
    """Select where no user came for so long that it is not by chance."""
    newest = F("results_summary__newest_user_day")
    quiet_days = _count_days(F("results_summary__as_of"), newest, -1)
    active_days = _count_days(newest, F("went_live_at"), 1)
    expected = _multiply(F("results_summary__users"), quiet_days)
    paused = RecordingGap.objects.filter(
        optimization=OuterRef("pk"), ends_at__gt=now - AFTER_PAUSE
    )
    return (
        Q(GreaterThanOrEqual(quiet_days, 1))
        & Q(GreaterThanOrEqual(expected, _multiply(Value(EXPECTED_USERS), active_days)))
        & ~Q(Exists(paused))
    )


def _count_days(last: F, first: F, more: int) -> Func:
    """Return the days between two dates or times (UTC), and so many more."""
    return Func(
        Cast(last, DateField()),
        Cast(first, DateField()),
        template=f"(%(expressions)s + {more})",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )


def _multiply(first: Any, second: Any) -> "ExpressionWrapper[Any]":
    return ExpressionWrapper(first * second, output_field=BigIntegerField())


def _describe_decision(optimization: Any, judged: Health) -> str:
    """Return what was decided, how sure it is, and what to read first, if anything."""
    summary, metric = optimization.results_summary, optimization.reward_metric
    if summary.lift_ci_anytime is not None:
        low, high = (
            format_percent(end, signed=True) for end in summary.lift_ci_anytime
        )
        change = format_percent(summary.lift, signed=True)
    else:
        low, high = (
            "no bound" if end is None else format_significant(end, sign="+")
            for end in summary.difference_ci_anytime
        )
        change = f"{format_significant(summary.difference, sign='+')} per user"
    text = (
        f"“{metric.name}” changed by {change} against the holdout. 95% sure, at every "
        f"look: between {low} and {high}."
    )
    return f"{text} Read first: {judged.reasons[0].message}" if judged.reasons else text
