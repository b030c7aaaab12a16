"""Indexes of days that are over: built once, for all rows, without blocking writers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.db import connection, connections, transaction

from warehouse import closed_days, partitions
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

CLOSED, OPEN = DAYS = [date(2001, 5, 30), date(2001, 5, 31)]
# Yesterday was over two hours ago.
NOW = datetime(2001, 5, 31, 2, tzinfo=UTC)
INDEX = "managed_rewards_20010530_of_user"
SELECT_BY_USER = (
    "SELECT FROM managed_rewards WHERE organization_id = 'org_a'"
    " AND anonymous_id = 'ada' AND timestamp_utc < '2001-06-01'"
)


@pytest.fixture(autouse=True)
def _days_of_2001() -> Iterator[None]:
    partitions.ensure_partitions("managed_rewards", DAYS)
    yield
    for day in DAYS:
        name = partitions.format_partition_name("managed_rewards", day)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {name}")


def _store_reward(hour: int, day: date = CLOSED) -> None:
    ManagedReward.objects.create(
        organization_id="org_a",
        anonymous_id="ada",
        name="purchase",
        value=1,
        timestamp_utc=datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
        created_at=NOW,
    )


def _is_index_valid() -> bool | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [INDEX],
        )
        (is_valid,) = cursor.fetchone() or (None,)
    return is_valid if is_valid is None else bool(is_valid)


def test_a_day_gets_its_index_by_user_once_it_is_over() -> None:
    _store_reward(1)
    _store_reward(1, OPEN)

    built_early = closed_days.index_closed_days(NOW.replace(hour=1, minute=59))
    built = closed_days.index_closed_days(NOW)
    built_again = closed_days.index_closed_days(NOW)

    assert (built_early, built, built_again) == ([], [INDEX], [])
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {SELECT_BY_USER}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert INDEX in plan
    assert "managed_rewards_20010531_of_user" not in plan


def test_rewards_are_stored_while_an_index_is_built() -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            _store_reward(1)
            # Waits for this transaction.
            build = pool.submit(_build_and_close)
            with pytest.raises(TimeoutError):
                build.result(timeout=0.5)
            with ThreadPoolExecutor(1) as others:
                others.submit(_store_and_close).result(timeout=10)
            assert not build.done()
        assert build.result(timeout=30) == [INDEX]
    assert ManagedReward.objects.filter(anonymous_id="ada").count() == 2


def _build_and_close() -> list[str]:
    try:
        return closed_days.index_closed_days(NOW)
    finally:
        connections.close_all()


def _store_and_close() -> None:
    try:
        _store_reward(2)
    finally:
        connections.close_all()


def test_an_interrupted_build_starts_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX {INDEX} ON managed_rewards_20010530"
            " (organization_id, anonymous_id, timestamp_utc)"
        )
        # What CREATE INDEX CONCURRENTLY leaves behind when its process is killed.
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)",
            [INDEX],
        )
    assert _is_index_valid() is False

    assert closed_days.index_closed_days(NOW) == [INDEX]

    assert _is_index_valid() is True


def test_one_process_builds_at_a_time() -> None:
    with partitions.hold_maintenance_lock(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(_build_and_close).result(timeout=30) == []
    assert _is_index_valid() is None
    assert closed_days.index_closed_days(NOW) == [INDEX]


def test_no_day_is_dropped_while_an_index_is_built() -> None:
    with partitions.hold_maintenance_lock(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(_drop_and_close).result(timeout=30) == []

    assert partitions.drop_partitions_before("managed_rewards", OPEN) == [
        "managed_rewards_20010530"
    ]
    partitions.ensure_partitions("managed_rewards", DAYS)


def _drop_and_close() -> list[str]:
    try:
        return partitions.drop_partitions_before("managed_rewards", OPEN)
    finally:
        connections.close_all()
