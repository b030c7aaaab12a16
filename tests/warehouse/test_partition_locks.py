"""Locks on day partitions: many queries over all days fit, and a bound prunes the days."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from levered_site.database import fetch_row
from tests.support import factories
from warehouse import partitions
from warehouse.backends import managed_connections
from warehouse.sql.customer import check
from warehouse.sql.preview import managed

pytestmark = pytest.mark.django_db(transaction=True)

QUERIES_AT_ONCE = 16
DAYS = 40
COUNT_LOCKS = """
SELECT count(*) AS locks,
       count(*) FILTER (WHERE relation::regclass::text ~ '_[0-9]{8}$') AS partitions
FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"""


@pytest.fixture(autouse=True)
def _forty_days() -> None:
    today = timezone.now().date()
    days = [today - timedelta(days=ago) for ago in range(DAYS)]
    for table in partitions.PARTITIONED_TABLES:
        partitions.ensure_partitions(table, days)


def count_locks(sql: str, days: int) -> tuple[int, int]:
    """Run a customer's query from that many days ago; return its locks and partitions."""
    organization_id = factories.make_organization().pk
    statement = managed.build_sample(check.check_query(sql, "postgres", managed=True))
    since = timezone.now() - timedelta(days=days)
    with managed_connections.open_cursor(organization_id, 30, {}) as cursor:
        cursor.execute(
            statement, (organization_id, since, None, managed.ALL_TIMES, 10, 10**6)
        )
        (row,) = managed_connections.fetch_records(cursor, _Locks, COUNT_LOCKS, ())
    return row.locks, row.partitions


class _Locks:
    """The locks of a session."""

    def __init__(self, locks: int, partitions: int) -> None:
        self.locks = locks
        self.partitions = partitions


def show(setting: str) -> int:
    """Return a number among the settings of the service's Postgres."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(current_setting(%s) AS int) AS value", [setting])
        value: Any = fetch_row(cursor).value
        return int(value)


def test_queries_over_all_days_fit_the_lock_table() -> None:
    existing_days = len(partitions.days("decisions"))
    locks, touched = count_locks(
        "SELECT e.anonymous_id FROM managed_dw.exposures e"
        " JOIN managed_dw.rewards r ON r.anonymous_id = e.anonymous_id",
        settings.RETENTION_DAYS,
    )

    needed = QUERIES_AT_ONCE * locks / existing_days * settings.RETENTION_DAYS

    assert touched >= 3 * DAYS
    assert needed < show("max_locks_per_transaction") * show("max_connections")


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        (
            "SELECT variant FROM managed_dw.exposures WHERE timestamp_utc >= @start_date",
            ("decisions", "managed_exposures"),
        ),
        (
            "SELECT name FROM managed_dw.rewards WHERE timestamp_utc >= @start_date",
            ("managed_rewards",),
        ),
    ],
)
def test_a_query_with_a_start_date_locks_its_days_only(
    sql: str, tables: tuple[str, ...]
) -> None:
    first_day = (timezone.now() - timedelta(days=2)).date()

    _, touched = count_locks(sql, days=2)

    days = [day for table in tables for day in partitions.days(table)]
    assert 0 < touched <= sum(day >= first_day for day in days) < len(days)
