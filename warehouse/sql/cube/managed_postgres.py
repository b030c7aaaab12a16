"""The cube's statement for the managed store."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from warehouse.sql.cube import erased_people, postgres
from warehouse.sql.cube.day_notes import (
    BEFORE_LAUNCH,
    CAME_AFTER_END,
    ENDED,
    LATE_EXPOSURES,
    LATE_REWARDS,
    Bind,
    build_count_sql,
    build_late_sql,
    build_outside_gaps_sql,
)
from warehouse.sql.cube.day_ranges import compute_span
from warehouse.sql.cube.postgres import IS_BLANK_ID
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CubeSpec, Statement

# Stands for "no first touch is stored": all exposures are later.
YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)

TOUCHES = Path(__file__).with_name("managed_touches.sql").read_text().strip()

STORE_SLOTS = {
    "first_parameter": "CAST($1 AS text) AS organization_id",
    "third_parameter": "CAST($3 AS uuid) AS optimization_id",
    "variants": """SELECT number, key
  FROM unnest(CAST($8 AS integer[]), CAST($9 AS text[])) AS v (number, key)""",
    "logged_arm": ", t.in_holdout AS logged_holdout",
    "holdout_key": "CAST($3 AS text) || ':' || t.anonymous_id",
    # A user who was only served counts as one exposure.
    "exposure_count": "GREATEST(1, count(*) FILTER (WHERE NOT t.served))",
    "group_context": "u.context",
    "mismatched": """(u.logged_holdout IS NOT NULL AND u.logged_holdout <> u.holdout)
           OR (u.holdout AND u.variant_number <> 1)""",
    "context_json": "CAST(NULLIF(g.context, '') AS jsonb)",
}

# Drops users whose first touch lies outside the span. A serve record is the first touch
# even if exposures are earlier: an earlier serve record drops anyone, an earlier exposure
# or a later serve record only users who were not served within the span. Touches that the
# store does not remember yet are looked up among the exposures.
NOT_TOUCHED_OUTSIDE = """{not_remembered_outside}
    AND NOT EXISTS (
      SELECT FROM managed_dw.exposures AS p
      WHERE p.organization_id = $1 AND p.optimization_id = $3
        AND p.anonymous_id = t.anonymous_id
        AND p.timestamp_utc < CAST($22 AS timestamptz)
        AND p.timestamp_utc >= {remembered_until}{outside_gaps}
        AND (p.source = 'serve' OR NOT t.served))
    AND NOT EXISTS (
      SELECT FROM managed_dw.exposures AS p
      WHERE p.organization_id = $1 AND p.optimization_id = $3
        AND p.anonymous_id = t.anonymous_id AND p.source = 'serve' AND NOT t.served
        AND p.timestamp_utc > CAST($5 AS timestamptz)
        AND p.timestamp_utc <= CAST($4 AS timestamptz)
        AND p.timestamp_utc >= {remembered_until}{outside_gaps})"""

# One index lookup per user. The aggregate keeps the planner from turning it into a join,
# which would read the first touches of all users.
NOT_REMEMBERED_OUTSIDE = """AND NOT COALESCE((
      SELECT bool_or(CASE
        WHEN t.served THEN f.served_at < CAST($22 AS timestamptz)
        ELSE f.touched_at < CAST($22 AS timestamptz) OR f.served_at > CAST($5 AS timestamptz)
          AND f.served_at <= CAST($4 AS timestamptz) END)
      FROM managed_dw.first_touches AS f
      WHERE f.organization_id = $1 AND f.optimization_id = $3
        AND f.anonymous_id = t.anonymous_id), false)"""

# All exposures of the span, whatever their time.
EXPOSURES = """managed_dw.exposures AS e
WHERE e.organization_id = $1 AND e.optimization_id = $3
  AND e.timestamp_utc >= CAST($22 AS timestamptz)
  AND e.timestamp_utc <= CAST($5 AS timestamptz)"""
DAY = "CAST(e.timestamp_utc AT TIME ZONE 'UTC' AS date)"
IN_DAYS = f"{DAY} = ANY(CAST($14 AS date[]))"
# The exposures that the cells of a day have.
COUNTED_EXPOSURES = """users AS u
JOIN managed_dw.exposures AS e ON e.anonymous_id = u.anonymous_id
  AND e.timestamp_utc >= u.at AND e.timestamp_utc <= u.ends_at
WHERE e.organization_id = $1 AND e.optimization_id = $3 AND e.source <> 'serve'
  AND e.timestamp_utc >= CAST($22 AS timestamptz)
  AND e.timestamp_utc <= CAST($5 AS timestamptz){outside_gaps}
  AND {condition}"""

# Rows that came after a moment although they are dated before it.
LATE_EXPOSURE_ROWS = f"""{EXPOSURES}
  AND e.timestamp_utc < {{decided_at}} AND e.created_at > {{decided_at}}
  AND {IN_DAYS}"""
LATE_REWARD_ROWS = """users AS u
JOIN managed_dw.rewards AS r ON r.anonymous_id = u.anonymous_id
  AND r.timestamp_utc >= u.at AND r.timestamp_utc <= u.ends_at
WHERE r.organization_id = $1 AND (r.optimization_id IS NULL OR r.optimization_id = $3)
  AND r.timestamp_utc < {decided_at} AND r.created_at > {decided_at}{of_name}"""
OF_NAME = """
  AND r.name = ANY(CAST(${0} AS text[]))"""

ONLY_USER = """
    AND e.anonymous_id = CAST(${0} AS text)"""


def build_statement(spec: CubeSpec, metric: CheckedMetric) -> Statement:
    """Build the statement that counts the cells of `spec.days`.

    Its first three parameters are those of a CheckedQuery. The cost grows with the
    touches from the first day until the last day's horizon, plus one lookup per user of
    the days, plus a scan of the exposures outside that span that are not remembered.
    """
    optimization_id = UUID(spec.optimization_id)
    values = list(postgres.list_parameters(spec, spec.organization_id, optimization_id))
    values.append(spec.remembered.until if spec.remembered else YEAR_ONE)
    remembered_until = f"CAST(${len(values)} AS timestamptz)"
    only_user, erased_slot = "", ""
    if spec.only_user is not None:
        values.append(spec.only_user)
        only_user = ONLY_USER.format(len(values))
    elif spec.definition:
        values.append(spec.definition)
        erased_slot = erased_people.build_rows_sql(len(values))
    bind = postgres.build_binder(values)
    outside = {
        "not_remembered_outside": NOT_REMEMBERED_OUTSIDE
        if _needs_first_touches(spec)
        else "",
        "remembered_until": remembered_until,
        "outside_gaps": build_outside_gaps_sql(spec, "p.timestamp_utc", bind),
    }
    touches = {
        "is_blank_id": IS_BLANK_ID,
        "only_user": only_user,
        "outside_gaps": build_outside_gaps_sql(spec, "e.timestamp_utc", bind),
    }
    slots = {
        **STORE_SLOTS,
        "touches": fill_slots(TOUCHES, touches),
        "since_span_start": _build_span_condition(metric),
        "not_touched_outside": fill_slots(NOT_TOUCHED_OUTSIDE, outside),
        "notes": postgres.build_notes_sql(
            spec, EXPOSURES + only_user, "e.timestamp_utc", bind
        )
        + _build_history_sql(spec, bind)
        + _build_late_sql(spec, metric, values),
        "erased_people": erased_slot,
    }
    return Statement(postgres.build_sql(slots, spec, metric), tuple(values))


def _build_history_sql(spec: CubeSpec, bind: Bind) -> str:
    """Build the rows of exposures that count by exception, each once.

    This store knows when exposures came: after the end, or else dated before going live.
    """
    outside_gaps = build_outside_gaps_sql(spec, "e.timestamp_utc", bind)
    conditions, in_time = [], ""
    for gap in spec.gaps:
        if gap.ends_at is None and gap.reason == ENDED:
            end = bind(gap.starts_at)
            conditions.append((CAME_AFTER_END, f"e.created_at > {end}"))
            in_time = f" AND e.created_at <= {end}"
    start, _ = compute_span(spec)
    launch = spec.regimes[0].starts_at
    if start < launch:
        is_before = f"e.timestamp_utc < {bind(launch)}{in_time}"
        conditions.append((BEFORE_LAUNCH, is_before))
    return "".join(
        build_count_sql(
            text,
            "u.day",
            COUNTED_EXPOSURES.format(outside_gaps=outside_gaps, condition=condition),
        )
        for text, condition in conditions
    )


def _build_late_sql(spec: CubeSpec, metric: CheckedMetric, values: list[object]) -> str:
    """Build the rows of what came after the figures became final; "" before that.

    Rewards are those within the horizon of a counted user, by the names that the metric
    reads. `values` are the parameters, to which it adds.
    """
    if spec.decided_at is None:
        return ""
    values.append(spec.decided_at)
    decided_at, of_name = f"CAST(${len(values)} AS timestamptz)", ""
    if metric.query.reward_names is not None:
        values.append(list(metric.query.reward_names))
        of_name = OF_NAME.format(len(values))
    exposures = LATE_EXPOSURE_ROWS.format(decided_at=decided_at)
    rewards = LATE_REWARD_ROWS.format(decided_at=decided_at, of_name=of_name)
    return build_late_sql(
        LATE_EXPOSURES, DAY, "e.created_at", exposures
    ) + build_late_sql(LATE_REWARDS, "u.day", "r.created_at", rewards)


def _build_span_condition(metric: CheckedMetric) -> str:
    """Return the condition that rewards are not before the span; "" if it may not stand.

    A reward before a user's first touch never counts, so the condition changes nothing.
    Postgres moves it down to the partitions unless the query groups or numbers rows. It
    stands only where the mapped timestamp is the store's own column: it might be checked
    before the customer's conditions, and the cast of another type may fail on rows that
    those leave out.
    """
    if metric.timestamp not in metric.query.traits.own_times:
        return ""
    column = quote_identifier(metric.timestamp)
    return f"\n  WHERE q.{column} >= CAST($22 AS timestamptz)"


def _needs_first_touches(spec: CubeSpec) -> bool:
    """Return whether any remembered first touch may lie outside the span."""
    if spec.remembered is None or spec.remembered.first_at is None:
        return False
    start, until = compute_span(spec)
    return spec.remembered.first_at < start or spec.remembered.until > until
