"""Which optimizations wait for a person: each kind, the most urgent first."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import Metric
from optimizations.admin import list_cells
from optimizations.models import CountFailure, Optimization, RecordingGap
from optimizations.results.health import attention, health_queries
from tests.support import factories, unhealthy_worlds
from tests.support.listed_optimizations import (
    make_listed,
    make_reason,
    store_count,
    store_run,
)
from tests.support.optimization_factories import make_metric

pytestmark = pytest.mark.django_db


@pytest.fixture
def metric() -> Metric:
    return make_metric(factories.make_organization(), name="Purchases")


def read_waiting(limit: int = 50) -> list[tuple[str, str, str]]:
    """Return name, kind and sentence of what waits, in order."""
    now = timezone.now()
    rows = health_queries.annotate_health(
        Optimization.objects.select_related("reward_metric", "results_summary"), now
    )
    waiting = attention.select_waiting(attention.annotate_attention(rows, now), limit)
    listed = list_cells.load_listed(waiting)
    found: list[tuple[str, str, str]] = []
    for row in waiting:
        health = listed[row.pk].health
        assert health is not None
        described = attention.describe_attention(row, health)
        found.append((row.name, described.kind, described.message))
    return found


def make(metric: Metric, name: str, **fields: Any) -> Optimization:
    optimization = make_listed(metric.organization, metric, name)
    store_count(optimization, **fields)
    return optimization


def test_each_kind_waits_and_the_most_urgent_comes_first(metric: Metric) -> None:
    make(metric, "won", lift=15.8, lift_ci_anytime=[0.2, 34.0])
    quiet = make(metric, "quiet", check_reasons=[make_reason("no_rewards", "None.")])
    failing = make(metric, "failing")
    store_run(failing, "failed", "the warehouse\n refused")
    make(metric, "harmful", check_reasons=[make_reason("lift_negative", "Worse.")])
    guarded = make(metric, "guarded")
    guarded.guardrail_metrics.add(metric)
    reason = make_reason("guardrail_violated", "Refunds rise.")
    guarded.results_summary.guardrail_reasons = {str(metric.pk): reason}
    guarded.results_summary.save()
    make(metric, "broken", check_reasons=[make_reason("sample_ratio", "Lost.")])
    make(metric, "fine")

    waiting = read_waiting()

    assert [(name, kind) for name, kind, _ in waiting] == [
        ("broken", "split"),
        ("guarded", "guardrail"),
        ("harmful", "harm"),
        ("failing", "training"),
        ("quiet", "silence"),
        ("won", "decided"),
    ]
    sentences = {name: sentence for name, _, sentence in waiting}
    assert sentences["broken"] == "Lost."
    assert sentences["guarded"] == "Refunds rise."
    assert sentences["failing"].endswith(" UTC: the warehouse refused")
    assert sentences["won"].replace("\N{NO-BREAK SPACE}", " ") == (
        "“Purchases” changed by +15.8 % against the holdout. 95% sure, at every look: "
        "between +0.2 % and +34.0 %."
    )
    assert quiet.name in sentences


@pytest.mark.parametrize("status", ["draft", "paused", "shipped", "completed"])
def test_only_what_is_live_waits(metric: Metric, status: str) -> None:
    optimization = make_listed(metric.organization, metric, status=status)
    store_count(optimization, check_reasons=[make_reason("sample_ratio")])
    store_run(optimization, "failed")

    assert read_waiting() == []


@pytest.mark.parametrize(
    ("direction", "limits", "is_decided"),
    [
        ("increase", [0.1, 9.0], True),
        ("increase", [-0.1, 9.0], False),
        ("increase", [-9.0, -0.1], False),
        ("decrease", [-9.0, -0.1], True),
        ("decrease", [0.1, 9.0], False),
    ],
)
def test_what_counts_as_better_depends_on_the_direction(
    metric: Metric, direction: str, limits: list[float], is_decided: bool
) -> None:
    metric.direction = direction
    metric.save()
    make(metric, "one", lift=sum(limits) / 2, lift_ci_anytime=limits)

    assert bool(read_waiting()) == is_decided


def test_a_difference_without_a_percentage_is_decided_with_its_open_end(
    metric: Metric,
) -> None:
    make(
        metric,
        "amount",
        lift=None,
        lift_ci_anytime=None,
        difference=0.5,
        difference_ci_anytime=[0.1, None],
    )

    ((_, kind, sentence),) = read_waiting()

    assert kind == "decided"
    assert "+0.5 per user" in sentence
    assert sentence.endswith("between +0.1 and no bound.")


def test_a_decision_beside_a_warning_says_what_to_read_first(metric: Metric) -> None:
    make(
        metric,
        "one",
        lift=15.0,
        lift_ci_anytime=[1.0, 30.0],
        check_reasons=[make_reason("whales", "Five users pay half of it.")],
    )

    ((_, kind, sentence),) = read_waiting()

    assert kind == "decided"
    assert sentence.endswith(" Read first: Five users pay half of it.")


def test_a_newer_training_that_succeeded_ends_the_waiting(metric: Metric) -> None:
    optimization = make(metric, "one")
    hour_ago = timezone.now() - timedelta(hours=1)
    store_run(optimization, "failed", "no table", at=hour_ago)
    assert [kind for _, kind, _ in read_waiting()] == ["training"]

    store_run(optimization, "succeeded")

    assert read_waiting() == []


@pytest.mark.parametrize(
    ("users", "quiet_days", "is_silent"),
    [(5000, 0, False), (5000, 1, False), (5000, 2, True), (4, 2, False), (40, 9, True)],
)
def test_users_who_stay_away_are_told_when_chance_does_not_explain_it(
    metric: Metric, users: int, quiet_days: int, is_silent: bool
) -> None:
    """Two days ago is one whole day without anybody."""
    now = timezone.now()
    optimization = make_listed(metric.organization, metric, days_live=30)
    day = (now - timedelta(days=quiet_days)).date()
    store_count(optimization, users=users, newest_user_day=day, as_of=now)

    waiting = read_waiting()

    expected = [("silence", f"No new user came since {day}.")] if is_silent else []
    assert [(kind, sentence) for _, kind, sentence in waiting] == expected


def test_a_pause_explains_that_no_users_came(metric: Metric) -> None:
    now = timezone.now()
    optimization = make_listed(metric.organization, metric, days_live=30)
    day = (now - timedelta(days=9)).date()
    store_count(optimization, newest_user_day=day, as_of=now)
    RecordingGap.objects.create(
        optimization=optimization,
        starts_at=now - timedelta(days=9),
        ends_at=now - timedelta(hours=3),
        status="paused",
    )

    assert read_waiting() == []


def test_a_metric_that_cannot_be_counted_and_old_counts_are_no_data(
    metric: Metric,
) -> None:
    failing = make(metric, "failing")
    CountFailure.objects.create(
        optimization=failing,
        metric=metric,
        message="no such table",
        failed_at=timezone.now(),
    )
    make(metric, "old", as_of=timezone.now() - timedelta(days=3))

    waiting = {name: (kind, sentence) for name, kind, sentence in read_waiting()}

    assert waiting["failing"][0] == waiting["old"][0] == "silence"
    assert "no such table" in waiting["failing"][1]
    assert waiting["old"][1].startswith("The figures are old: ")


@pytest.mark.django_db(transaction=True)
def test_what_a_training_stores_of_a_broken_split_waits() -> None:
    """From events to the sentence, with the users whom the count found."""
    optimization = unhealthy_worlds.make_broken_split()

    ((name, kind, sentence),) = read_waiting()

    assert (name, kind) == (optimization.name, "split")
    assert "users of one arm are lost" in sentence or "holdout" in sentence
    summary = Optimization.objects.get().results_summary
    assert summary.users is not None
    assert 0 < summary.users <= summary.exposures
    assert summary.newest_user_day is not None
