"""Statistics of the managed store's days, without which the planner's costs are guesses.

Autovacuum analyzes a day too, a minute after its first rows at the earliest. Until then the
planner takes an organization's rows for a handful, and a cross join of them for cheap.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from psycopg import sql
from psycopg.rows import namedtuple_row

from warehouse.backends import managed_connections

log = structlog.get_logger(__name__)

TABLES = ("decisions", "managed_exposures", "managed_rewards")
# What pricing one query may wait for: 30,000 rows of a day are sampled in 0.1 s.
MAX_SECONDS = 3.0
# The days with rows that were never analyzed, or have changed as much as makes autovacuum
# analyze them by default; the newest first. What the server counts anyway, and ten seconds
# late at most: opening a thousand days to see their sizes takes longer than all else.
SELECT_STALE_DAYS = """SELECT c.relname AS name
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY(CAST(%s AS regclass[]))
  AND pg_stat_get_mod_since_analyze(c.oid) >
    CASE WHEN c.reltuples < 0 THEN 0 ELSE 50 + 0.1 * c.reltuples END
ORDER BY right(c.relname, 8) DESC, c.relname"""
SET_TIMEOUT = "SELECT set_config('statement_timeout', %s, true)"


def analyze_stale_days() -> list[str]:
    """Analyze the days whose statistics are missing or old; return their names.

    Blocks no reader and no writer, and leaves out a day that is being analyzed, or all
    that MAX_SECONDS do not suffice for. A failure is logged: the price is a guess then.
    """
    analyzed: list[str] = []
    ends_at = time.monotonic() + MAX_SECONDS
    try:
        with psycopg.connect(
            **managed_connections.build_arguments(),
            autocommit=True,
            prepare_threshold=None,  # a pooler may not support prepared statements
            row_factory=namedtuple_row,
        ) as connection:
            for name in _list_stale_days(connection, ends_at):
                if time.monotonic() >= ends_at:
                    break
                _analyze_day(connection, name, ends_at)
                analyzed.append(name)
    except psycopg.Error as error:
        log.warning("warehouse.statistics_missing", reason=str(error))
    return analyzed


def _list_stale_days(connection: psycopg.Connection[Any], ends_at: float) -> list[str]:
    with _limit_time(connection, ends_at):
        days = connection.execute(SELECT_STALE_DAYS, [list(TABLES)])
        return [day.name for day in days]


def _analyze_day(
    connection: psycopg.Connection[Any], name: str, ends_at: float
) -> None:
    with _limit_time(connection, ends_at):
        day = sql.Identifier(name)
        connection.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(day))


@contextmanager
def _limit_time(connection: psycopg.Connection[Any], ends_at: float) -> Iterator[None]:
    """Run the block in a transaction whose statements may take the time that is left."""
    milliseconds = max(1, round(1000 * (ends_at - time.monotonic())))
    with connection.transaction():
        # For the transaction: a pooler may lend the session to others.
        connection.execute(SET_TIMEOUT, [f"{milliseconds}ms"])
        yield
