"""The health of optimizations in SQL, so that long lists can filter and sort by it.

It repeats what `health_records.judge_optimization` says of one row; a test compares both.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Greatest
from django.db.models.lookups import Exact, GreaterThan, IsNull

from optimizations.configuration import regimes
from optimizations.models import CountFailure, Optimization
from optimizations.results.health import health

# The entries of past violations that are reasons; see configuration.past_violations.
PAST_REASONS = "$[*] ? (!exists(@.undecided))"


def annotate_health(rows: QuerySet[Any], now: datetime) -> QuerySet[Any]:
    """Add `health`: broken, warning, ok, or null while there is nothing to judge."""
    is_unknown = (
        Q(results_summary__isnull=True) & ~Q(query_failures()) & ~is_counted_late(now)
    )
    judged: QuerySet[Any] = rows.annotate(
        health=Case(
            When(has_check_reason(*health.BROKEN_CODES), then=Value("broken")),
            When(is_unknown, then=Value(None)),
            When(_is_ok(now), then=Value("ok")),
            default=Value("warning"),
            output_field=CharField(null=True),
        )
    )
    return judged


def has_check_reason(*codes: str) -> Q:
    """Select optimizations for which the last count gave one of these reasons."""
    condition = Q()
    for code in codes:
        condition |= Q(results_summary__check_reasons__contains=[{"code": code}])
    return condition


def is_counted_late(now: datetime) -> Q:
    """Select live optimizations whose counts are too old; see `health.check_age`."""
    missed = ExpressionWrapper(
        F("retrain_every_minutes")
        * Value(health.MISSED_TRAININGS * timedelta(minutes=1)),
        output_field=DurationField(),
    )
    age = ExpressionWrapper(
        Value(now) - Coalesce(F("results_summary__as_of"), F("went_live_at")),
        output_field=DurationField(),
    )
    is_live = Q(status=Optimization.Status.LIVE, went_live_at__isnull=False)
    return is_live & Q(GreaterThan(age, Greatest(Value(health.MIN_AGE_LIMIT), missed)))


def query_failures() -> Exists:
    """Return whether the reward or a guardrail of now could not be counted."""
    failures = CountFailure.objects.filter(optimization=OuterRef("pk"))
    attached = _query_attached().filter(
        optimization=OuterRef("optimization"), metric=OuterRef("metric")
    )
    is_reward = Q(metric=OuterRef("reward_metric"))
    return Exists(failures.filter(is_reward | Q(Exists(attached))))


def query_violations() -> Exists:
    """Return whether a guardrail of now was violated at the last count."""
    is_violated = Func(
        OuterRef("results_summary__guardrail_reasons"),
        Cast(F("metric_id"), TextField()),
        function="jsonb_exists",
        output_field=BooleanField(),
    )
    return Exists(_query_attached().filter(Q(is_violated), optimization=OuterRef("pk")))


def matches_path(document: str, path: str) -> Q:
    """Select by a JSON path, a constant of the code, into a document of the summary."""
    found = Func(
        F(f"results_summary__{document}"),
        function="jsonb_path_exists",
        template=f"%(function)s(%(expressions)s, '{path}')",
        output_field=BooleanField(),
    )
    return Q(found)


def _is_ok(now: datetime) -> Q:
    return (
        Q(
            results_summary__check_reasons=[],
            went_live_at__isnull=False,
            reward_metric__isnull=False,
        )
        & ~Q(query_violations())
        & ~matches_path("past_violations", PAST_REASONS)
        & ~Q(query_failures())
        & ~is_counted_late(now)
        & _are_metrics_counted()
    )


def _are_metrics_counted() -> Q:
    """Select where the last count knew the metrics as they are now."""
    is_counted = Q(results_summary__as_of__isnull=False)
    is_of_before = Q(results_summary__counted_revisions__isnull=True)
    revision = _read_revision(
        F("results_summary__counted_revisions"), F("reward_metric_id")
    )
    is_known = Q(IsNull(revision, rhs=False))
    is_current = Q(Exact(revision, F("reward_metric__revision")))
    is_counting = Q(status__in=regimes.COUNTING_STATUSES)
    is_reward_counted = is_known & (~is_counting | is_current)
    return (~is_counted & is_known) | (
        is_counted
        & (is_of_before | (is_reward_counted & ~Q(_query_uncounted_guardrails())))
    )


def _query_uncounted_guardrails() -> Exists:
    revision = _read_revision(
        OuterRef("results_summary__counted_revisions"), F("metric_id")
    )
    is_counting = Q(optimization__status__in=regimes.COUNTING_STATUSES)
    is_current = Q(Exact(revision, F("metric__revision")))
    is_uncounted = Q(IsNull(revision, rhs=True)) | (is_counting & ~is_current)
    return Exists(_query_attached().filter(is_uncounted, optimization=OuterRef("pk")))


def _query_attached() -> QuerySet[Any]:
    links: Any = Optimization.guardrail_metrics.through
    rows: QuerySet[Any] = links.objects.all()
    return rows


def _read_revision(revisions: Combinable, metric_id: F) -> Combinable:
    text = Func(
        revisions,
        Cast(metric_id, TextField()),
        function="jsonb_extract_path_text",
        output_field=TextField(),
    )
    return Cast(text, IntegerField())
