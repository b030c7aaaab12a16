"""The health in SQL, by which lists filter, is the health that rows show."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import Metric
from optimizations.admin import list_cells
from optimizations.configuration.past_violations import UNDECIDED
from optimizations.models import CountFailure, Optimization
from optimizations.results.health import health_queries
from tests.support import factories, listed_optimizations
from tests.support.optimization_factories import make_metric

pytestmark = pytest.mark.django_db

CODES = ("sample_ratio", "arm_mismatch", "whales", "lift_negative", "no_users")
STATES = 400


def make_state(rng: Random, metrics: list[Metric]) -> None:
    """Make an optimization in a state that may or may not occur."""
    status = rng.choice(Optimization.Status.values)
    has_started = status not in {"draft", "archived"} or rng.random() < 0.3
    reward = metrics[0] if has_started or rng.random() < 0.5 else None
    optimization = listed_optimizations.make_listed(
        metrics[0].organization,
        reward,
        status=status,
        days_live=rng.choice((0.2, 3, 40)) if has_started else None,
        retrain_every_minutes=rng.choice((60, 10_000)),
    )
    attached = rng.sample(metrics[1:], rng.randrange(3))
    optimization.guardrail_metrics.set(attached)
    if rng.random() < 0.2:
        CountFailure.objects.create(
            optimization=optimization,
            metric=rng.choice(metrics),
            message="no such table",
            failed_at=timezone.now(),
        )
    if rng.random() < 0.8:
        store_random_count(rng, optimization, metrics)


def store_random_count(
    rng: Random, optimization: Optimization, metrics: list[Metric]
) -> None:
    """Store a count, of which anything may be missing or wrong."""
    reasons = rng.sample(CODES, rng.choice((0, 0, 0, 1, 2)))
    violated = rng.sample(metrics[1:], rng.choice((0, 0, 0, 1)))
    past = rng.choice(
        ([], [], [build_past(rng.choice(metrics[1:]), is_decided=rng.random() < 0.5)])
    )
    revisions = {
        str(metric.pk): metric.revision + rng.choice((0, 0, 0, 1))
        for metric in metrics
        if rng.random() < 0.85
    }
    listed_optimizations.store_count(
        optimization,
        check_reasons=[listed_optimizations.make_reason(code) for code in reasons],
        guardrail_reasons={
            str(metric.pk): listed_optimizations.make_reason("guardrail_violated")
            for metric in violated
        },
        past_violations=past,
        counted_revisions=rng.choice((None, revisions, revisions)),
        as_of=rng.choice(
            (None, *(timezone.now() - timedelta(hours=age) for age in (1, 1, 30)))
        ),
    )


def build_past(metric: Metric, *, is_decided: bool) -> dict[str, Any]:
    """Return a violation of a guardrail of before, or that there was none so far."""
    past = {
        "metric_id": str(metric.pk),
        "revision": 1,
        "direction": "increase",
        "cause": "detached",
        "ended_on": "2026-11-01",
        "reason": listed_optimizations.make_reason("guardrail_violated"),
    }
    return past if is_decided else {**past, UNDECIDED: True}


def test_the_health_in_sql_is_the_one_that_rows_show() -> None:
    rng = Random(19)  # noqa: S311 - states of a test, not secrets
    organization = factories.make_organization()
    metrics = [make_metric(organization) for _ in range(4)]
    Metric.objects.filter(pk=metrics[2].pk).update(revision=3)
    metrics[2].refresh_from_db()
    for _ in range(STATES):
        make_state(rng, metrics)

    rows = health_queries.annotate_health(
        Optimization.objects.select_related("reward_metric", "results_summary"),
        timezone.now(),
    )
    found = {row.pk: row.health for row in rows}
    listed = list_cells.load_listed(list(rows))
    shown = {pk: row.health and row.health.status for pk, row in listed.items()}

    assert len(found) == STATES
    assert found == shown
    counts = {
        status: list(found.values()).count(status) for status in {*shown.values()}
    }
    assert counts.keys() == {"broken", "warning", "ok", None}
    assert min(counts.values()) > 10, counts
