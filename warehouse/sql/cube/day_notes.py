"""Rows of notes: what was logged in place of a variant or a level, and when.

A 'variant' or 'context' row holds its day, in `outcome` what was logged, in `context` the
factor's place, and in `users` how many users; only the commonest of each day. A 'keys' row
is such a row of users without a value of some factor, and holds their whole context. An
'exposures' row holds its day, in `outcome` what is special about the time of the
exposures, and in `users` how many: those that count by the day of their user's first
touch, so that they are part of its cells, and those that do not by their own day. A
'late_exposures' or 'late_rewards' row holds its day, in `outcome` when the last of the rows
came, and in `users` how many came. An 'unread_amounts' row, of a numeric reward, holds the day
of first touch, in `outcome` a value that is no finite number in range, and in `users` how many
rewards have such a one: the commonest by name, the others as OTHERS.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime

from warehouse.sql.cube.day_ranges import compute_span
from warehouse.sql.cube.row_columns import build_row_sql
from warehouse.sql.shapes import CubeSpec, TimeGap

MAX_EXAMPLES = 5  # of a day, and of a factor
MAX_VARIANT_LENGTH, MAX_LEVEL_LENGTH, MAX_CONTEXT_LENGTH = 200, 100, 300
NO_OBJECT = "no JSON object"
MAX_KEYS_LENGTH = 200
KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')
BEFORE_LAUNCH = "before_launch"
CAME_AFTER_END = "came_after_end"
LATE_EXPOSURES, LATE_REWARDS = "late_exposures", "late_rewards"
UNREAD_AMOUNTS = "unread_amounts"
MAX_AMOUNT_LENGTH, OTHERS = 40, "(others)"
ENDED = "ended"  # the reason of the gap that has no end once an optimization is stopped

# Writes a moment as SQL, by a parameter.
Bind = Callable[[datetime], str]

COMMONEST = """
UNION ALL
SELECT {columns}
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, {order}) AS place
  FROM (
    {rows}
  ) AS levered_counted
) AS levered_placed
WHERE place <= {limit}"""

UNKNOWN_VARIANTS = """SELECT day, SUBSTR({variant}, 1, {length}) AS value,
           COUNT(*) AS users
    FROM {users} WHERE variant_number = 0
    GROUP BY 1, 2"""

# Rows of amounts have no context.
CONTEXTS_WITHOUT_A_LEVEL = """SELECT day, SUBSTR(context, 1, {length}) AS value,
           CAST(SUM(users) AS {integer}) AS users
    FROM {rows}
    WHERE NOT is_lag AND context IS NOT NULL AND ({is_missing})
    GROUP BY 1, 2"""

# The exposures that the cells of a day have.
COUNTED_EXPOSURES = """{users} AS u
JOIN {touches} AS t ON t.anonymous_id = u.anonymous_id
  AND t.{moment} >= u.{moment} AND t.{moment} <= u.ends_at
WHERE t.{moment} < {launch}"""

COUNTED = """
UNION ALL
SELECT {columns}
FROM {rows}
GROUP BY {day}"""

# A user's smallest such text stands for all of theirs. The sum is whole: it counts others.
UNREAD = """
UNION ALL
SELECT {columns}
FROM (
  SELECT day, CASE WHEN place <= {limit} THEN value ELSE '{others}' END AS value,
         CAST(SUM(amounts) AS {integer}) AS amounts
  FROM (
    SELECT day, value, amounts,
           ROW_NUMBER() OVER (PARTITION BY day ORDER BY amounts DESC, {order}) AS place
    FROM (
      SELECT u.day, SUBSTR(e.unread_example, 1, {length}) AS value,
             SUM(e.unread) AS amounts
      FROM {rewards} AS e
      JOIN {users} AS u ON u.anonymous_id = e.anonymous_id
      WHERE e.unread > 0
      GROUP BY 1, 2
    ) AS levered_counted
  ) AS levered_placed
  GROUP BY 1, 2
) AS levered_unread"""

LAST_CAME = """to_char(max({created_at}) AT TIME ZONE 'UTC',
         'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def build_commonest_sql(
    kind: str, rows: str, *, order: str = "value", factor: int | None = None
) -> str:
    """Build the rows of the commonest values of each day.

    `rows` is a query for day, value and users. `order` decides between equally common ones.
    """
    context = "NULL" if factor is None else str(factor)
    columns = build_row_sql(
        kind=f"'{kind}'", day="day", context=context, outcome="value", users="users"
    )
    return COMMONEST.format(columns=columns, order=order, rows=rows, limit=MAX_EXAMPLES)


def build_unknown_variants_sql(variant: str, users: str, order: str = "value") -> str:
    """Build the rows of what was logged in place of a variant."""
    rows = UNKNOWN_VARIANTS.format(
        variant=variant, users=users, length=MAX_VARIANT_LENGTH
    )
    return build_commonest_sql("variant", rows, order=order)


def build_unread_amounts_sql(
    spec: CubeSpec, users: str, rewards: str, integer: str, order: str = "value"
) -> str:
    """Build the rows of values that are no amounts; only numeric rewards have them.

    `users` and `rewards` are those of the statement by user.
    """
    if spec.reward_type != "numeric":
        return ""
    columns = build_row_sql(
        kind=f"'{UNREAD_AMOUNTS}'", day="day", outcome="value", users="amounts"
    )
    return UNREAD.format(
        columns=columns,
        users=users,
        rewards=rewards,
        integer=integer,
        order=order,
        limit=MAX_EXAMPLES,
        length=MAX_AMOUNT_LENGTH,
        others=OTHERS,
    )


def build_context_keys_sql(
    rows: str, is_missing: str, integer: str, order: str = "value"
) -> str:
    """Build the rows of contexts without a value of some factor.

    `is_missing` is the condition for that. `decode_keys` keeps the keys alone of them.
    """
    contexts = CONTEXTS_WITHOUT_A_LEVEL.format(
        length=MAX_CONTEXT_LENGTH, integer=integer, rows=rows, is_missing=is_missing
    )
    return build_commonest_sql("keys", contexts, order=order)


def decode_keys(context: str) -> str:
    """Return the keys of a context's text, which may be cut, sorted and without values."""
    text = context.strip()
    if text in {"", "null", "{}"}:
        return ""
    if not text.startswith("{"):
        return NO_OBJECT
    try:
        keys = json.loads(text).keys()
    except ValueError:  # cut, or not JSON: perhaps keys without quotes
        keys = set(KEY.findall(text))
    return ", ".join(sorted(keys))[:MAX_KEYS_LENGTH] or NO_OBJECT


def build_history_sql(
    spec: CubeSpec, *, users: str, touches: str, moment: str, bind: Bind
) -> str:
    """Build the rows of the exposures that count although dated before going live.

    `users` and `touches` have the time of a touch in the column `moment`.
    """
    start, _ = compute_span(spec)
    launch = spec.regimes[0].starts_at
    if start >= launch:
        return ""
    rows = COUNTED_EXPOSURES.format(
        users=users, touches=touches, moment=moment, launch=bind(launch)
    )
    return build_count_sql(BEFORE_LAUNCH, "u.day", rows)


def build_count_sql(text: str, day: str, rows: str) -> str:
    """Build the rows that count exposures by day; `rows` is what follows FROM."""
    columns = build_row_sql(
        kind="'exposures'", day=day, outcome=f"'{text}'", users="COUNT(*)"
    )
    return COUNTED.format(columns=columns, day=day, rows=rows)


def build_late_sql(kind: str, day: str, created_at: str, rows: str) -> str:
    """Build the rows that count late ones by day; `rows` is what follows FROM."""
    last_came = LAST_CAME.format(created_at=created_at)
    columns = build_row_sql(
        kind=f"'{kind}'", day=day, outcome=last_came, users="COUNT(*)"
    )
    return COUNTED.format(columns=columns, day=day, rows=rows)


def build_gaps_sql(
    spec: CubeSpec,
    *,
    moment: str,
    day: str,
    all_exposures: str,
    in_days: str,
    bind: Bind,
) -> str:
    """Build the rows of exposures dated in gaps: they do not count.

    `all_exposures` is what follows FROM, up to a condition.
    """
    start, until = compute_span(spec)
    parts = []
    for gap in spec.gaps:
        if gap.starts_at <= until and (gap.ends_at is None or gap.ends_at > start):
            within = _build_within_sql(moment, gap, bind)
            rows = f"{all_exposures} AND {within} AND {in_days}"
            parts.append(build_count_sql(gap.reason, day, rows))
    return "".join(parts)


def build_outside_gaps_sql(spec: CubeSpec, moment: str, bind: Bind) -> str:
    """Build the condition that a moment is in none of the gaps, from AND on."""
    return "".join(
        f"\n    AND NOT ({_build_within_sql(moment, gap, bind)})" for gap in spec.gaps
    )


def _build_within_sql(moment: str, gap: TimeGap, bind: Bind) -> str:
    condition = f"{moment} >= {bind(gap.starts_at)}"
    if gap.ends_at is not None:
        condition += f" AND {moment} < {bind(gap.ends_at)}"
    return condition
