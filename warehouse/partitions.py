"""Day partitions of the append-only tables: made ahead or on demand, dropped when old."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from psycopg import sql

from warehouse.models import KeptSince

TABLES = ("decisions", "managed_exposures", "managed_rewards")
# One maker at a time, whatever the table: a number of our own choosing.
LOCK = 7_265_318_001
# A drop waits for readers of the parent no longer than this; the next run tries again.
PATIENCE = "3s"
DROPPED = """
INSERT INTO kept_since AS mine (id, day) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET day = GREATEST(mine.day, excluded.day)
"""


def ensure(table: str, days: Iterable[date]) -> None:
    """Make the partitions of these days (UTC) where they are missing.

    Safe to call at once from anywhere, inside a transaction or not; it blocks no reader
    and no writer of the other days. Costs one query where nothing is missing.
    """
    names = {_name(table, day): day for day in days}
    if names.keys() <= set(_existing(table)):
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        for name in sorted(names.keys() - set(_existing(table))):
            cursor.execute(_create(table, name))
            cursor.execute(_attach(table, name, names[name]))


def drop_before(table: str, day: date) -> list[str]:
    """Drop the partitions of the days before this one; returns their names.

    That they were is noted first, see `kept_since`.

    Raises django.db.OperationalError where readers stand in the way for too long: what
    was dropped until then stays dropped, and a later call goes on.
    """
    first_kept = _name(table, day)
    old = [name for name in _existing(table) if name < first_kept]
    if old:
        with connection.cursor() as cursor:
            cursor.execute(DROPPED, [_day(old[-1]) + timedelta(days=1)])
    for name in old:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return old


def kept_since() -> date | None:
    """Tell the day after the last one whose events were dropped; None before any was."""
    return KeptSince.objects.values_list("day", flat=True).first()


def days(table: str) -> list[date]:
    """List the days that a table has partitions for, oldest first."""
    return [_day(name) for name in _existing(table)]


def _day(name: str) -> date:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()


def _name(table: str, day: date) -> str:
    if table not in TABLES:
        raise ValueError(f"{table} has no day partitions")
    return f"{table}_{day:%Y%m%d}"


def _existing(table: str) -> list[str]:
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


def _create(table: str, name: str) -> sql.Composed:
    """A table beside its parent: attaching it takes a lighter lock than a birth inside."""
    return sql.SQL(
        "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    ).format(sql.Identifier(name), sql.Identifier(table))


def _attach(table: str, name: str, day: date) -> sql.Composed:
    return sql.SQL(
        "ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
    ).format(
        sql.Identifier(table),
        sql.Identifier(name),
        sql.Literal(f"{day} 00:00:00+00"),
        sql.Literal(f"{day + timedelta(days=1)} 00:00:00+00"),
    )
