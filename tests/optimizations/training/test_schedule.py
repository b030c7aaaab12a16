"""Periodic maintenance: partitions created and dropped, expired keys deleted."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from levered_site.celery import TASK_INTERVALS, app
from levered_site.database import fetch_rows
from optimizations import tasks
from optimizations.ingestion import service
from optimizations.training import schedule
from tests.support import optimization_factories, traffic
from warehouse import partitions
from warehouse.models import EventKey

pytestmark = pytest.mark.django_db


def list_partition_days(table: str) -> set[str]:
    """Return the days (YYYYMMDD) that a table has partitions for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
            " WHERE inhparent = %s::regclass",
            [table],
        )
        return {row.name.rsplit("_", 1)[1] for row in fetch_rows(cursor)}


@pytest.mark.parametrize("table", schedule.TABLES_PARTITIONED_BY_DAY)
def test_partitions_are_made_ahead_and_dropped_after_their_retention(
    table: str,
) -> None:
    today = timezone.now().date()
    oldest = today - timedelta(days=settings.RETENTION_DAYS)
    expired = oldest - timedelta(days=1)
    partitions.ensure_partitions(table, [expired, oldest])

    tasks.keep_partitions()

    days = list_partition_days(table)
    assert {f"{today + timedelta(days=ahead):%Y%m%d}" for ahead in range(4)} <= days
    assert f"{oldest:%Y%m%d}" in days
    assert f"{expired:%Y%m%d}" not in days


def test_an_event_key_is_deleted_after_seven_days() -> None:
    organization = optimization_factories.make_organization()
    event = traffic.build_reward("ann", idempotency_key="one")
    service.accept_rewards(organization.pk, [event])
    now = timezone.now()

    schedule.delete_expired_keys(now + timedelta(days=6, hours=23))
    repeated = service.accept_rewards(organization.pk, [event])
    schedule.delete_expired_keys(now + timedelta(days=7, hours=1))
    remaining = EventKey.objects.count()

    assert (repeated.accepted, repeated.duplicates) == (0, 1)
    assert remaining == 0


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()

    assert set(TASK_INTERVALS) <= set(app.tasks)
    assert "optimizations.train" in app.tasks
