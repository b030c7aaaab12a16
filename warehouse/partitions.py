"""Day partitions of the append-only tables: created ahead or on demand, dropped when old."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from psycopg import sql

from levered_site.database import fetch_rows, hold_session_lock
from warehouse.models import KeptSince

PARTITIONED_TABLES = ("decisions", "managed_exposures", "managed_rewards")
# One creator at a time, for all tables; the number is arbitrary.
ADVISORY_LOCK_KEY = 7_265_318_001
# How long a drop waits for readers of the parent table; the next run tries again.
DROP_LOCK_TIMEOUT = "3s"
# Dropping days and building their indexes exclude each other; the number is arbitrary.
MAINTENANCE_LOCK_KEY = 7_265_318_002
RECORD_DROPPED_DAYS = """
INSERT INTO kept_since AS mine (id, day) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET day = GREATEST(mine.day, excluded.day)
"""


def ensure_partitions(table: str, days: Iterable[date]) -> None:
    """Create the missing partitions of these days (UTC).

    Concurrent calls are safe, inside a transaction or not, and block no reader and no
    writer of other days. If nothing is missing, the cost is one query.
    """
    names = {format_partition_name(table, day): day for day in days}
    if names.keys() <= set(_list_partitions(table)):
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK_KEY])
        for name in sorted(names.keys() - set(_list_partitions(table))):
            cursor.execute(_compose_create_table(table, name))
            cursor.execute(_compose_attach_partition(table, name, names[name]))


def drop_partitions_before(table: str, day: date) -> list[str]:
    """Drop the partitions of the days before this one and return their names.

    First records the oldest retained day, see `models.KeptSince`. Raises
    django.db.OperationalError if readers block a drop for too long: the partitions
    dropped until then stay dropped, and a later call continues. So it does, without a
    drop, while another process holds the lock of maintenance.
    """
    with hold_maintenance_lock() as is_held:
        return _drop_partitions_before(table, day) if is_held else []


def hold_maintenance_lock() -> AbstractContextManager[bool]:
    """Hold the lock of maintenance, if it is free; yield whether it was."""
    return hold_session_lock(MAINTENANCE_LOCK_KEY)


def _drop_partitions_before(table: str, day: date) -> list[str]:
    oldest_retained = format_partition_name(table, day)
    expired = [name for name in _list_partitions(table) if name < oldest_retained]
    if expired:
        with connection.cursor() as cursor:
            cursor.execute(
                RECORD_DROPPED_DAYS, [_parse_day(expired[-1]) + timedelta(days=1)]
            )
    for name in expired:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true)", [DROP_LOCK_TIMEOUT]
            )
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return expired


def load_oldest_retained_day() -> date | None:
    """Return the day after the last dropped one; None if none was dropped."""
    return KeptSince.objects.values_list("day", flat=True).first()


def days(table: str) -> list[date]:
    """Return the days that a table has partitions for, oldest first."""
    return [_parse_day(name) for name in _list_partitions(table)]


def format_partition_name(table: str, day: date) -> str:
    """Return the name of a day's partition.

    Raises ValueError for a table without day partitions.
    """
    if table not in PARTITIONED_TABLES:
        raise ValueError(f"{table} has no day partitions")
    return f"{table}_{day:%Y%m%d}"


def _parse_day(name: str) -> date:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()


def _list_partitions(table: str) -> list[str]:
    """Return the names of the partitions, oldest first.

    Read from the catalog's rows: a lookup by name may be answered from a cache that is
    older than the lock that we waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits AS i"
            " JOIN pg_class AS c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = CAST(%s AS regclass) ORDER BY c.relname",
            [table],
        )
        return [row.relname for row in fetch_rows(cursor)]


def _compose_create_table(table: str, name: str) -> sql.Composed:
    """Compose a separate table: attaching it locks less than CREATE … PARTITION OF."""
    return sql.SQL(
        "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    ).format(sql.Identifier(name), sql.Identifier(table))


def _compose_attach_partition(table: str, name: str, day: date) -> sql.Composed:
    return sql.SQL(
        "ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
    ).format(
        sql.Identifier(table),
        sql.Identifier(name),
        sql.Literal(f"{day} 00:00:00+00"),
        sql.Literal(f"{day + timedelta(days=1)} 00:00:00+00"),
    )
