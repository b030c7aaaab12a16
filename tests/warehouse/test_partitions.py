"""Day partitions: created once by concurrent callers, dropped when old."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection, transaction

from tests.support import warehouse_events
from tests.support.reference_cube import Reward
from tests.support.warehouse_events import parse_moment
from warehouse import partitions
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

# Long ago, since a drop takes all days before one of these: other tests need theirs.
DAYS = [date(2001, 5, day) for day in (30, 31)] + [date(2001, 6, 1)]


def _list_partitions_of_2001(table: str) -> list[str]:
    return [name for name in partitions._list_partitions(table) if "_2001" in name]


@pytest.fixture(autouse=True)
def _drop_partitions_of_2001() -> None:
    for table in partitions.PARTITIONED_TABLES:
        for name in _list_partitions_of_2001(table):
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {name}")


@pytest.mark.parametrize("table", partitions.PARTITIONED_TABLES)
def test_each_table_has_one_partition_a_day(table: str) -> None:
    partitions.ensure_partitions(table, DAYS[:1])
    partitions.ensure_partitions(table, DAYS)

    names = _list_partitions_of_2001(table)

    assert names == [f"{table}_200105{30}", f"{table}_20010531", f"{table}_20010601"]


def test_concurrent_callers_create_each_partition_once() -> None:
    def ensure(_: int) -> None:
        try:
            partitions.ensure_partitions("managed_rewards", DAYS)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ensure, range(8)))

    assert len(_list_partitions_of_2001("managed_rewards")) == len(DAYS)


def test_a_rolled_back_transaction_leaves_no_partition() -> None:
    def ensure_and_fail() -> None:
        with transaction.atomic():
            partitions.ensure_partitions("managed_rewards", DAYS)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        ensure_and_fail()

    assert _list_partitions_of_2001("managed_rewards") == []


def test_old_days_are_dropped_with_their_rows() -> None:
    partitions.ensure_partitions("managed_rewards", DAYS)
    warehouse_events.store_events(
        "org_a",
        "00000000-0000-0000-0000-000000000001",
        [],
        [
            Reward("old", parse_moment("2001-05-31 23:59")),
            Reward("new", parse_moment("2001-06-01")),
        ],
    )

    dropped = partitions.drop_partitions_before("managed_rewards", DAYS[2])

    assert dropped[-1] == "managed_rewards_20010531"
    assert _list_partitions_of_2001("managed_rewards") == ["managed_rewards_20010601"]
    assert [row.anonymous_id for row in ManagedReward.objects.all()] == ["new"]


def test_other_tables_have_no_day_partitions() -> None:
    with pytest.raises(ValueError, match="assignments"):
        partitions.ensure_partitions("assignments", DAYS)
