"""The metrics of serving appear in /metrics, added up over the processes."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from levered_site.observability import prometheus
from models_app.models import PolicyVersion
from optimizations.serving import metrics
from optimizations.training import schedule
from tests.support.optimization_factories import make_live_optimization


def _read(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_decisions_are_counted_by_outcome() -> None:
    before = _read("levered_decisions_total", outcome="first")

    metrics.count_decision("first")
    metrics.count_decision("first")

    assert _read("levered_decisions_total", outcome="first") - before == 2


def test_deferred_counts_are_written_together() -> None:
    before = _read("levered_decisions_total", outcome="known")

    metrics.defer_counts(is_deferred=True)
    metrics.count_decision("known")
    metrics.count_decision("known")
    deferred = _read("levered_decisions_total", outcome="known")
    metrics.write_counts()
    written = _read("levered_decisions_total", outcome="known")
    metrics.count_decision("known")
    metrics.defer_counts(is_deferred=False)

    assert [deferred - before, written - before] == [0, 2]
    assert _read("levered_decisions_total", outcome="known") - before == 3


def test_every_outcome_is_exported_before_it_happens() -> None:
    text = Client().get("/metrics").content.decode()

    outcomes = re.findall(r'levered_decisions_total\{outcome="(\w+)"\}', text)
    assert sorted(outcomes) == [
        *("capped", "dry_run", "first", "known", "redrawn", "refused", "shipped"),
        *("unavailable", "unrecorded"),
    ]


def test_known_users_batches_and_times_are_recorded() -> None:
    names = ("levered_commit_batch_size_sum", "levered_serve_seconds_count")
    before = [_read(name) for name in names]
    known_before = _read("levered_known_users_total", source="memory")

    metrics.count_known_user("memory")
    metrics.count_known_user("memory")
    metrics.observe_batch(17)
    metrics.observe_serve(0.004)

    after = [_read(name) for name in names]
    assert [new - old for new, old in zip(after, before, strict=True)] == [17, 1]
    assert _read("levered_known_users_total", source="memory") - known_before == 2


def test_the_age_of_policies_is_the_time_since_their_training() -> None:
    now = timezone.now()
    metrics.set_training_times(now - timedelta(hours=3), now - timedelta(minutes=1))

    text = Client().get("/metrics").content.decode()

    ages = dict(
        re.findall(r'levered_policy_age_seconds\{which="(\w+)"\} ([\d.]+)', text)
    )
    assert float(ages["oldest"]) == pytest.approx(3 * 3600, abs=60)
    assert float(ages["newest"]) == pytest.approx(60, abs=60)


def test_without_a_trained_policy_there_is_no_age() -> None:
    metrics.set_training_times(None, None)

    text = Client().get("/metrics").content.decode()

    assert 'levered_policy_age_seconds{which="oldest"} NaN' in text


@pytest.mark.django_db
def test_the_clock_records_the_last_training_of_each_live_optimization() -> None:
    now = timezone.now()
    for hours, status in ((9, "paused"), (5, "live"), (2, "live")):
        optimization = make_live_optimization(status=status)
        for number, age in ((2, hours), (1, hours + 1)):
            version = optimization.model.policy_versions.create(
                number=number,
                cause=PolicyVersion.Cause.TRAINING,
                probabilities=b"",
                segments=1,
                variants=1,
                enabled=[1],
            )
            optimization.model.policy_versions.filter(pk=version.pk).update(
                created_at=now - timedelta(hours=age)
            )

    schedule.record_training_times()

    name = "levered_policy_trained_timestamp_seconds"
    assert _read(name, which="oldest") == pytest.approx(now.timestamp() - 5 * 3600)
    assert _read(name, which="newest") == pytest.approx(now.timestamp() - 2 * 3600)


def test_requests_answered_without_django_are_counted_by_route() -> None:
    labels = {"method": "POST", "route": "test-route", "status": "200"}

    prometheus.observe_request("POST", "test-route", 200, 0.004)
    prometheus.observe_request("BREW", "test-route", 200, 0.004)

    assert _read("levered_requests_total", **labels) == 1
    assert _read("levered_requests_total", **labels | {"method": "other"}) == 1
    assert _read("levered_request_seconds_count", route="test-route") == 2


def test_the_counts_of_all_processes_are_added(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    program = (
        "import django, os; django.setup();"
        "from datetime import datetime, timedelta, UTC;"
        "from django.test import Client;"
        "from optimizations.serving import metrics;"
        "other = os.fork(); now = datetime.now(UTC);"
        "metrics.count_decision('known'); metrics.count_decision('known'); metrics.observe_batch(5);"
        "metrics.set_training_times(now - timedelta(hours=1), now);"
        "other or os._exit(0); os.waitpid(other, 0);"
        "print(Client().get('/metrics').content.decode())"
    )

    text = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert 'levered_decisions_total{outcome="known"} 4.0' in text
    assert "levered_commit_batch_size_count 2.0" in text
    assert re.search(r'levered_policy_age_seconds\{which="oldest"\} 36\d\d\.', text)
    assert "# HELP levered_decisions_total Answers to serve requests" in text
