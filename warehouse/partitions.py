"""Day partitions of the append-only tables: made ahead or on demand, dropped when old."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from psycopg import sql

from warehouse.models import KeptSince

PARTITIONED_TABLES = ("decisions", "managed_exposures", "managed_rewards")
# One maker at a time, whatever the table: a number of our own choosing.
ADVISORY_LOCK_KEY = 7_265_318_001
# A drop waits for readers of the parent no longer than this; the next run tries again.
DROP_LOCK_TIMEOUT = "3s"
RECORD_DROPPED_DAYS = """
INSERT INTO kept_since AS mine (id, day) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET day = GREATEST(mine.day, excluded.day)
"""


def ensure_partitions(table: str, days: Iterable[date]) -> None:
    """Make the partitions of these days (UTC) where they are missing.

    Safe to call at once from anywhere, inside a transaction or not; it blocks no reader
    and no writer of the other days. Costs one query where nothing is missing.
    """
    names = {_format_partition_name(table, day): day for day in days}
    if names.keys() <= set(_list_partitions(table)):
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK_KEY])
        for name in sorted(names.keys() - set(_list_partitions(table))):
            cursor.execute(_compose_create_table(table, name))
            cursor.execute(_compose_attach_partition(table, name, names[name]))


def drop_partitions_before(table: str, day: date) -> list[str]:
    """Drop the partitions of the days before this one; returns their names.

    That they were is noted first, see `kept_since`.

    Raises django.db.OperationalError where readers stand in the way for too long: what
    was dropped until then stays dropped, and a later call goes on.
    """
    first_kept = _format_partition_name(table, day)
    old = [name for name in _list_partitions(table) if name < first_kept]
    if old:
        with connection.cursor() as cursor:
            cursor.execute(
                RECORD_DROPPED_DAYS, [_parse_day(old[-1]) + timedelta(days=1)]
            )
    for name in old:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true)", [DROP_LOCK_TIMEOUT]
            )
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return old


def load_oldest_retained_day() -> date | None:
    """Tell the day after the last one whose events were dropped; None before any was."""
    return KeptSince.objects.values_list("day", flat=True).first()


def days(table: str) -> list[date]:
    """List the days that a table has partitions for, oldest first."""
    return [_parse_day(name) for name in _list_partitions(table)]


def _parse_day(name: str) -> date:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()


def _format_partition_name(table: str, day: date) -> str:
    if table not in PARTITIONED_TABLES:
        raise ValueError(f"{table} has no day partitions")
    return f"{table}_{day:%Y%m%d}"


def _list_partitions(table: str) -> list[str]:
    """Names of the partitions, oldest first: read from the catalog's rows, since a look
    up by name may be answered from a cache older than the lock that we waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits AS i"
            " JOIN pg_class AS c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = CAST(%s AS regclass) ORDER BY c.relname",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def _compose_create_table(table: str, name: str) -> sql.Composed:
    """A table beside its parent: attaching it takes a lighter lock than a birth inside."""
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
