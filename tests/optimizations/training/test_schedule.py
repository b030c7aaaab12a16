"""What the clock keeps in order: partitions ahead and not too old, keys not for ever."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from levered_site.celery import TASK_INTERVALS, app
from optimizations import tasks
from optimizations.ingestion import service
from optimizations.training import schedule
from tests.support import optimization_factories, traffic
from warehouse import partitions
from warehouse.models import EventKey

pytestmark = pytest.mark.django_db


def days_of(table: str) -> set[str]:
    """Name the days that a table has partitions for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = %s::regclass",
            [table],
        )
        return {name.rsplit("_", 1)[1] for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("table", schedule.TABLES_PARTITIONED_BY_DAY)
def test_partitions_are_made_ahead_and_dropped_after_their_retention(
    table: str,
) -> None:
    today = timezone.now().date()
    kept = today - timedelta(days=settings.RETENTION_DAYS)
    old = kept - timedelta(days=1)
    partitions.ensure_partitions(table, [old, kept])

    tasks.keep_partitions()

    found = days_of(table)
    assert {f"{today + timedelta(days=ahead):%Y%m%d}" for ahead in range(4)} <= found
    assert f"{kept:%Y%m%d}" in found
    assert f"{old:%Y%m%d}" not in found


def test_an_events_key_is_forgotten_after_seven_days() -> None:
    organization = optimization_factories.make_organization()
    event = traffic.build_reward("ann", idempotency_key="one")
    service.accept_rewards(organization.pk, [event])
    now = timezone.now()

    schedule.delete_expired_keys(now + timedelta(days=6, hours=23))
    kept = service.accept_rewards(organization.pk, [event])
    schedule.delete_expired_keys(now + timedelta(days=7, hours=1))
    forgotten = EventKey.objects.count()

    assert (kept.accepted, kept.duplicates) == (0, 1)
    assert forgotten == 0


def test_the_clock_names_tasks_that_there_are() -> None:
    app.loader.import_default_modules()

    assert set(TASK_INTERVALS) <= set(app.tasks)
    assert "optimizations.train" in app.tasks
