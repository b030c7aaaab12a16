"""Sample rows, facts and day counts of a customer's queries on a connected Postgres."""

from collections.abc import Sequence

from warehouse.sql.cube import connected_postgres, postgres
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.preview.id_spellings import build_spelling_slots
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

# $1 and $2 are the start date of sources and of metrics. `bound` fixes their types even
# where a query leaves them unused.
BOUND_PARAMETERS = """WITH bound AS (
  SELECT CAST($1 AS timestamptz), CAST($2 AS timestamptz)
)"""

# {max_rows} and {max_bytes} are parameters. The row that exceeds the bytes fails the cast, so
# the query ends before the row leaves. The failing text names the row's total, so that the
# planner cannot evaluate the cast beforehand. The last column is dropped by the caller.
SAMPLE_QUERY = """{bound},
levered_rows AS (
  SELECT * FROM (
{query}
  ) AS q
  LIMIT CAST({max_rows} AS integer)
)
SELECT *
FROM (
  SELECT levered_rows.*,
         sum(octet_length(CAST(ROW(levered_rows.*) AS text)))
           OVER (ROWS UNBOUNDED PRECEDING) AS levered_bytes
  FROM levered_rows
) AS measured
WHERE CASE WHEN measured.levered_bytes <= CAST({max_bytes} AS bigint) THEN true
  ELSE CAST('too large: ' || measured.levered_bytes AS boolean) END"""
TOO_LARGE = "too large: "

# Whether rows of several days are all at one time of day, on a quarter of an hour: midnight
# elsewhere is one, or two an hour apart where clocks change.
DAY_TIME = "at - date_trunc('day', at)"
ONE_DAY_TIME = f"""COALESCE(
         count(DISTINCT date_trunc('day', at)) FILTER (WHERE isfinite(at)) > 1
         AND count(DISTINCT {DAY_TIME}) FILTER (WHERE isfinite(at)) <= 2
         AND bool_and(date_part('epoch', {DAY_TIME})::numeric % 900 = 0)
           FILTER (WHERE isfinite(at))
         AND max({DAY_TIME}) FILTER (WHERE isfinite(at))
           - min({DAY_TIME}) FILTER (WHERE isfinite(at)) IN (
             INTERVAL '0', INTERVAL '1 hour', INTERVAL '23 hours'), false)"""

# The columns are the fields of backends.query_results.MetricFacts, in their order. Shared
# with the managed store, which looks exposures up instead of reading a source.
METRIC_FACTS_QUERY = """{bound},
rewards AS (
  SELECT {metric_columns},
         CAST(pg_typeof(q.{timestamp}) AS text) = 'timestamp without time zone'
           AS zoneless, {value_type} AS value_type
  FROM (
{metric_query}
  ) AS q
),
people AS (
  SELECT DISTINCT anonymous_id FROM rewards WHERE NOT {is_blank_id}
),
{exposed_cte}
{some_exposed_cte}
distinct_rows AS (
  SELECT DISTINCT anonymous_id, at, text_value, name FROM rewards
)
SELECT count(*) AS rows,
       count(*) FILTER (WHERE anonymous_id IS NOT NULL AND at IS NOT NULL) AS identified,
       (SELECT count(*) FROM people) AS users,
       {matched_users} AS matched_users,
       {has_exposed_users} AS exposed_users,
       count(*) FILTER (WHERE at > {now}) AS future,
       COALESCE(bool_or(zoneless), false) AS zoneless,
       count(value) AS numeric, count(DISTINCT value) AS values,
       count(*) - (SELECT count(*) FROM distinct_rows) AS repeated,
       count(*) FILTER (WHERE isfinite(at) AND at = date_trunc('day', at)) AS midnight,
       count(*) FILTER (WHERE NOT isfinite(at) OR at < '0001-01-01' OR at >= '10000-01-01')
         AS out_of_range,
       count(*) FILTER (WHERE {is_blank_id}) AS empty_ids,
       CASE WHEN {matched_users} < (SELECT count(*) FROM people) THEN {alike_users}
         ELSE 0 END AS alike_users,
       count(text_value) - count(value) AS unread,
       substr(min(text_value) FILTER (WHERE value IS NULL), 1, 40) AS unread_example,
       min(value_type) AS value_type,
       CASE WHEN {matched_users} < (SELECT count(*) FROM people) THEN
         {hashed_users} ELSE 0 END AS hashed_users,
       CASE WHEN {matched_users} < (SELECT count(*) FROM people) THEN
         {hashed_exposed_users} ELSE 0 END AS hashed_exposed_users,
       CASE WHEN {matched_users} < (SELECT count(*) FROM people) THEN
         {hyphen_users} ELSE 0 END AS hyphen_users,
       CASE WHEN {matched_users} < (SELECT count(*) FROM people) THEN
         {hash_like_users} ELSE 0 END AS hash_like_users,
       CASE WHEN {matched_users} < (SELECT count(*) FROM people) THEN
         {hash_like_exposures} ELSE 0 END AS hash_like_exposures,
       {one_day_time} AS one_day_time
FROM rewards"""
EXPOSED_CTE = """exposed AS (
  {exposed_users}
),"""
NO_EXPOSED_USERS = "SELECT CAST(NULL AS text) AS anonymous_id WHERE false"
EXPOSED_USERS = """SELECT DISTINCT CAST(s.{anonymous_id} AS text) AS anonymous_id
  FROM (
{source_query}
  ) AS s"""
NOW = "CAST($3 AS timestamptz)"
IS_MATCHED = "EXISTS (SELECT FROM exposed AS m WHERE m.anonymous_id = p.anonymous_id)"

# $3 is the current time. The columns are the fields of backends.query_results.SourceFacts,
# in their order.
SOURCE_FACTS_QUERY = """{bound},
exposures AS (
  SELECT {source_columns},
         CAST(pg_typeof(s.{timestamp}) AS text) = 'timestamp without time zone'
           AS zoneless
  FROM (
{source_query}
  ) AS s
)
SELECT count(*) AS rows,
       count(*) FILTER (WHERE anonymous_id IS NOT NULL AND at IS NOT NULL) AS identified,
       count(DISTINCT anonymous_id) AS users,
       count(*) FILTER (WHERE at > {now}) AS future,
       COALESCE(bool_or(zoneless), false) AS zoneless,
       count(*) FILTER (WHERE {variant_object} IS NULL) AS no_objects,
       count(DISTINCT optimization_id) AS optimizations,
       count(*) FILTER (WHERE {is_blank_id}) AS empty_ids,
       count(*) FILTER (WHERE context <> '' AND lower(btrim(context)) <> 'null'
         AND {context_object} IS NULL) AS no_contexts,
       count(*) FILTER (WHERE isfinite(at) AND at = date_trunc('day', at)) AS midnight,
       {one_day_time} AS one_day_time
FROM exposures"""

# $3 is the optimization's id as text, $4 the moment of reading. A sum of 31-bit hashes
# changes with any row, whatever the order of the rows, and stays below 64 bits. Each
# column's hash is the seed of the next: hashes that are added would not tell rows that
# swapped a value. Hashing a whole row as text takes ten times as long.
HASHED_EXPOSURE = ("e.anonymous_id", "e.variant_text", "e.context")
HASHED_REWARD = ("r.anonymous_id", "r.text_value", "r.name")
DAY_COUNTS_QUERY = """{bound}
SELECT CAST(at AT TIME ZONE 'UTC' AS date) AS day,
       count(*) FILTER (WHERE exposure) AS exposures,
       count(*) FILTER (WHERE NOT exposure) AS rewards,
       CAST(COALESCE(sum(hash) FILTER (WHERE exposure), 0) AS bigint) AS exposures_hash,
       CAST(COALESCE(sum(hash) FILTER (WHERE NOT exposure), 0) AS bigint) AS rewards_hash
FROM (
  SELECT e.at, true AS exposure, {exposure_hash} AS hash
  FROM (
    SELECT {source_columns}
    FROM (
{source_query}
    ) AS s
  ) AS e
  WHERE e.optimization_id = CAST($3 AS text) AND e.anonymous_id IS NOT NULL
  UNION ALL
  SELECT r.at, false, {reward_hash}
  FROM (
    SELECT {metric_columns}
    FROM (
{metric_query}
    ) AS q
  ) AS r
  WHERE r.anonymous_id IS NOT NULL
) AS events
WHERE at >= CAST($1 AS timestamptz) AND at <= CAST($4 AS timestamptz)
GROUP BY 1"""


# Its first row has the cost of the whole plan. The others may be many: a view of the managed
# store is two plans for each day.
PLAN_QUERY = """EXPLAIN
{bound}
SELECT *
FROM (
{query}
) AS q"""


def build_sample(query: CheckedQuery) -> str:
    """Wrap a query so that at most $3 rows and $4 bytes leave the warehouse."""
    return fill_sample(query, BOUND_PARAMETERS, "$3", "$4")


def fill_sample(
    query: CheckedQuery, bound_parameters: str, max_rows: str, max_bytes: str
) -> str:
    """Return SAMPLE_QUERY with its parameters: `max_rows` and `max_bytes` like `$3`."""
    slots = {"bound": bound_parameters, "query": query.text}
    return fill_slots(
        SAMPLE_QUERY, slots | {"max_rows": max_rows, "max_bytes": max_bytes}
    )


def build_plan(query: CheckedQuery) -> str:
    """Wrap a query so that the server plans it, and does not run it."""
    return fill_slots(PLAN_QUERY, {"bound": BOUND_PARAMETERS, "query": query.text})


def build_facts(metric: CheckedMetric, source: CheckedSource | None) -> str:
    """Build the statement that computes a MetricFacts over all rows of a metric.

    Its users are matched with those of `source`, if there is one.
    """
    exposed_users = NO_EXPOSED_USERS
    if source is not None:
        source_slots = {
            "anonymous_id": quote_identifier(source.anonymous_id),
            "source_query": source.query.text,
        }
        exposed_users = fill_slots(EXPOSED_USERS, source_slots)
    slots = build_metric_slots(metric) | {
        "bound": BOUND_PARAMETERS,
        "timestamp": quote_identifier(metric.timestamp),
        "exposed_cte": fill_slots(EXPOSED_CTE, {"exposed_users": exposed_users}),
        "matched_users": "(SELECT count(*) FROM people JOIN exposed USING (anonymous_id))",
        **build_spelling_slots("exposed", IS_MATCHED),
        "has_exposed_users": "EXISTS (SELECT FROM exposed)",
        "now": NOW,
    }
    return fill_slots(METRIC_FACTS_QUERY, slots)


def build_source_facts(source: CheckedSource, dialect: str = "postgres") -> str:
    """Build the statement that computes a SourceFacts over all rows of a source.

    `dialect` names what the server understands, as for the cube.
    """
    slots = _build_source_slots(source) | {
        "bound": BOUND_PARAMETERS,
        "timestamp": quote_identifier(source.timestamp),
        "is_blank_id": postgres.IS_BLANK_ID,
        "one_day_time": ONE_DAY_TIME,
        "variant_object": connected_postgres.build_object_cast("variant_text", dialect),
        "context_object": connected_postgres.build_object_cast("context", dialect),
        "now": NOW,
    }
    return fill_slots(SOURCE_FACTS_QUERY, slots)


def build_day_counts(metric: CheckedMetric, source: CheckedSource) -> str:
    """Build the statement that counts and hashes rows by day (UTC).

    It reveals late rows, and rows that were changed in place.
    """
    slots = build_metric_slots(metric) | _build_source_slots(source)
    slots |= {
        "bound": BOUND_PARAMETERS,
        "exposure_hash": _build_hash_sql(
            "e.at", HASHED_EXPOSURE, "COALESCE(e.policy_version, -1)"
        ),
        "reward_hash": _build_hash_sql("r.at", HASHED_REWARD),
    }
    return fill_slots(DAY_COUNTS_QUERY, slots)


def _build_hash_sql(at: str, texts: Sequence[str], seed: str = "0") -> str:
    """Build a hash of 31 bits of a time and texts, null like an empty text."""
    hashed = f"hashfloat8extended(date_part('epoch', {at}), {seed})"
    for text in texts:
        hashed = f"hashtextextended(COALESCE({text}, '') COLLATE \"C\", {hashed})"
    return f"{hashed} & 2147483647"


def build_metric_slots(metric: CheckedMetric) -> dict[str, str]:
    """Return the slots of a metric's query and of its columns as the cube reads them."""
    return {
        "metric_columns": postgres.build_metric_columns_sql(metric),
        "metric_query": metric.query.text,
        "is_blank_id": postgres.IS_BLANK_ID,
        "one_day_time": ONE_DAY_TIME,
        "value_type": _build_type_sql(metric.value),
    }


def _build_type_sql(column: str | None) -> str:
    return f"CAST({f'pg_typeof(q.{quote_identifier(column)})' if column else 'NULL'} AS text)"


def _build_source_slots(source: CheckedSource) -> dict[str, str]:
    return {
        "source_columns": connected_postgres.build_source_columns_sql(source),
        "source_query": source.query.text,
    }
