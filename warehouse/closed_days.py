"""Indexes that only the days that are over have: writing them row by row costs too much.

A reward's place in an index by user is random, so that each row touches a page of its own:
a third of what storing rewards costs. Almost all rows of a day come on that day; built
once afterwards, from sorted rows, the index costs a tenth.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from psycopg import sql

from levered_site.database import fetch_rows
from warehouse import partitions

# Suffix and columns of each index, by table. Until a day has it, a person's rewards are
# found by `managed_rewards_of_name`, among those of the organization.
INDEXES: Final = {
    "managed_rewards": ("of_user", ("organization_id", "anonymous_id", "timestamp_utc"))
}
# Devices that were offline at midnight send what they have within the next hours.
CLOSED_AFTER: Final = timedelta(hours=2)

# An interrupted build leaves an invalid index behind, which every write still maintains.
LIST_INDEXES: Final = """
SELECT c.relname AS name, i.indisvalid AS is_valid
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = CAST(%s AS regclass) AND c.relname = %s
"""


def index_closed_days(now: datetime) -> list[str]:
    """Build the missing indexes of the days that ended two hours ago or earlier.

    Returns the names of the built indexes; none if another process builds or drops days.
    Blocks no reader and no writer; interrupted, the next call starts that day's index
    again.
    Must not be called inside a transaction: raises django.db.InternalError there.
    """
    first_open_day = (now - CLOSED_AFTER).date()
    built = []
    with partitions.hold_maintenance_lock() as is_held:
        for table, (suffix, columns) in INDEXES.items() if is_held else ():
            for day in partitions.days(table):
                if day < first_open_day:
                    name = partitions.format_partition_name(table, day)
                    built += _build_index(name, f"{name}_{suffix}", columns)
    return built


def _build_index(partition: str, index: str, columns: tuple[str, ...]) -> list[str]:
    """Build the index if the day has none; return its name if it was built."""
    with connection.cursor() as cursor:
        cursor.execute(LIST_INDEXES, [partition, index])
        found = fetch_rows(cursor)
        if any(row.is_valid for row in found):
            return []
        if found:
            drop = sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(index))
            cursor.execute(drop)
        create = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} ({})").format(
            sql.Identifier(index),
            sql.Identifier(partition),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
        )
        cursor.execute(create)
    return [index]
