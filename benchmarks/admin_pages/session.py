"""One world of optimizations, and pages of the admin read from it and from one of them."""

import gzip
import time
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.admin_pages import detail
from levered_site.organizations.models import Organization, StaffMembership
from metrics.models import Metric
from models_app.models import BanditModel, TrainingRun
from optimizations.models import Optimization, Regime, ResultsSummary, Variant

PAGES = {
    "overview": "/admin/",
    "overview, filtered": "/admin/?q=page&health=warning&sort=-lift",
    "last 24 hours": "/admin/optimizations/optimization/activity/",
    "list of optimizations": "/admin/optimizations/optimization/",
    "list, filtered": "/admin/optimizations/optimization/?health=ok&o=-4",
    "search": "/admin/search/?s=page&extended=1",
}
CONFIG: dict[str, Any] = {"reward": {"name": "purchase", "type": "bool"}}


def measure_pages(optimizations: int, variants: int, rounds: int) -> None:
    """Build the world, read each page `rounds` times, print a table."""
    make_world(optimizations, variants)
    owner = User.objects.get(username="owner")
    pages = PAGES | detail.make_pages(owner)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client()
    client.force_login(owner)
    print("page | CPU, ms (median) | wall, ms | queries | KB | KB compressed")
    for name, path in pages.items():
        print(" | ".join([name, *measure_page(client, path, rounds)]), flush=True)


def measure_page(client: Client, path: str, rounds: int) -> Iterator[str]:
    """Yield the figures of a page."""
    cpu, wall = [], []
    content = b""
    for _ in range(rounds + 3):  # the first ones load templates
        start = time.process_time(), time.perf_counter()
        content = client.get(path).content
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    yield f"{1000 * median(cpu[3:]):.0f}"
    yield f"{1000 * median(wall[3:]):.0f}"
    yield str(len(captured))
    yield f"{len(content) / 1000:.0f}"
    yield f"{len(gzip.compress(content)) / 1000:.1f}"


def make_world(optimizations: int, variants: int) -> None:
    """Make two organizations with an owner of both; all optimizations are of the first."""
    user = User.objects.create_user("owner", is_staff=True)
    organization, other = (
        Organization.objects.create(id=f"org_{number}", name=f"Shop {number}")
        for number in (1, 2)
    )
    for each in (organization, other):
        StaffMembership.objects.create(user=user, organization=each, role="owner")
    metric = Metric.objects.create(
        organization=organization, name="Purchases", sql="SELECT 1", column_mapping={}
    )
    rows = make_optimizations(organization, metric, optimizations)
    numbers, now = range(1, variants + 1), timezone.now()
    Variant.objects.bulk_create(
        Variant(optimization=row, number=number, variant_key=f"{number}", levels={})
        for row in rows
        for number in numbers
    )
    Regime.objects.bulk_create(
        Regime(
            optimization=row,
            number=1,
            starts_at=row.went_live_at or now,
            holdout_percentage=10,
            enabled=list(numbers),
            window_hours=24,
            horizon_hours=24,
            metric=metric,
            reason="went live",
        )
        for row in rows
    )
    store_counts(rows, metric)


def make_optimizations(
    organization: Organization, metric: Metric, count: int
) -> list[Optimization]:
    """Make live optimizations with their models."""
    models = BanditModel.objects.bulk_create(
        BanditModel(
            organization=organization, model_type="mab", training_data_config=CONFIG
        )
        for _ in range(count)
    )
    return Optimization.objects.bulk_create(
        Optimization(
            organization=organization,
            model=model,
            name=f"Landing page {number}",
            status="live",
            reward_metric=metric,
            went_live_at=timezone.now() - timedelta(days=number % 90),
        )
        for number, model in enumerate(models)
    )


def store_counts(rows: list[Optimization], metric: Metric) -> None:
    """Store what counts and trainings left: one in seven has something wrong."""
    rng = Random(7)  # noqa: S311 - a measurement, not a secret
    now = timezone.now()
    summaries, runs = [], []
    for row in rows:
        lift, reach = rng.gauss(3, 6), rng.uniform(1, 13)
        code = rng.choice(("sample_ratio", "whales", "no_rewards"))
        reason = {"code": code, "message": f"This is {code}. " * 6, "next": "Look."}
        summaries.append(
            ResultsSummary(
                optimization=row,
                lift=lift,
                lift_ci_anytime=[lift - reach, lift + reach],
                exposures=5000,
                users=5000,
                newest_user_day=now.date(),
                as_of=now,
                judged_at=now,
                check_reasons=[reason] if rng.random() < 1 / 7 else [],
                counted_revisions={str(metric.pk): metric.revision},
            )
        )
        status = "failed" if rng.random() < 0.05 else "succeeded"
        runs += [
            TrainingRun(model_id=row.model_id, status=status, requested_by="clock")
            for _ in range(20)
        ]
    ResultsSummary.objects.bulk_create(summaries)
    TrainingRun.objects.bulk_create(runs)
