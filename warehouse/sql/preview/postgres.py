"""Sample rows, facts and day counts of a customer's queries on a connected Postgres."""

from warehouse.sql.cube import connected_postgres, postgres
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

# $1 and $2 are the start date of sources and of metrics. `bound` fixes their types even
# where a query leaves them unused.
BOUND_PARAMETERS = """WITH bound AS (
  SELECT CAST($1 AS timestamptz), CAST($2 AS timestamptz)
)"""

# $3 limits the rows and $4 the bytes. The row that exceeds the bytes fails the cast, so
# the query ends before the row leaves. The failing text names the row's total, so that the
# planner cannot evaluate the cast beforehand. The last column is dropped by the caller.
SAMPLE_QUERY = """{bound},
levered_rows AS (
  SELECT * FROM (
{query}
  ) AS q
  LIMIT CAST($3 AS integer)
)
SELECT *
FROM (
  SELECT levered_rows.*,
         sum(octet_length(CAST(ROW(levered_rows.*) AS text)))
           OVER (ROWS UNBOUNDED PRECEDING) AS levered_bytes
  FROM levered_rows
) AS measured
WHERE CASE WHEN measured.levered_bytes <= CAST($4 AS bigint) THEN true
  ELSE CAST('too large: ' || measured.levered_bytes AS boolean) END"""
TOO_LARGE = "too large: "

# The columns are the fields of backends.query_results.MetricFacts, in their order. Shared
# with the managed store, which looks exposures up instead of reading a source.
METRIC_FACTS_QUERY = """{bound},
rewards AS (
  SELECT {metric_columns},
         CAST(pg_typeof(q.{timestamp}) AS text) = 'timestamp without time zone'
           AS zoneless
  FROM (
{metric_query}
  ) AS q
),
people AS (
  SELECT DISTINCT anonymous_id FROM rewards WHERE anonymous_id IS NOT NULL
),
{exposed_cte}
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
       count(*) - (SELECT count(*) FROM distinct_rows) AS repeated
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
       count(*) FILTER (WHERE variant_text IS NULL OR variant_text NOT LIKE '{%}')
         AS no_objects,
       count(DISTINCT optimization_id) AS optimizations
FROM exposures"""

# $3 is the optimization's id as text, $4 the moment of reading.
DAY_COUNTS_QUERY = """{bound}
SELECT CAST(at AT TIME ZONE 'UTC' AS date) AS day,
       count(*) FILTER (WHERE exposure) AS exposures,
       count(*) FILTER (WHERE NOT exposure) AS rewards
FROM (
  SELECT e.at, true AS exposure
  FROM (
    SELECT {source_columns}
    FROM (
{source_query}
    ) AS s
  ) AS e
  WHERE e.optimization_id = CAST($3 AS text) AND e.anonymous_id IS NOT NULL
  UNION ALL
  SELECT r.at, false
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


# Its only row is one JSON document.
PLAN_QUERY = """EXPLAIN (FORMAT JSON)
{bound}
SELECT *
FROM (
{query}
) AS q"""


def build_sample(query: CheckedQuery) -> str:
    """Wrap a query so that at most $3 rows and $4 bytes leave the warehouse."""
    return fill_slots(SAMPLE_QUERY, {"bound": BOUND_PARAMETERS, "query": query.text})


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
        "has_exposed_users": "EXISTS (SELECT FROM exposed)",
        "now": NOW,
    }
    return fill_slots(METRIC_FACTS_QUERY, slots)


def build_source_facts(source: CheckedSource) -> str:
    """Build the statement that computes a SourceFacts over all rows of a source."""
    slots = _build_source_slots(source) | {
        "bound": BOUND_PARAMETERS,
        "timestamp": quote_identifier(source.timestamp),
        "now": NOW,
    }
    return fill_slots(SOURCE_FACTS_QUERY, slots)


def build_day_counts(metric: CheckedMetric, source: CheckedSource) -> str:
    """Build the statement that counts rows by day (UTC), which reveals late rows."""
    slots = build_metric_slots(metric) | _build_source_slots(source)
    return fill_slots(DAY_COUNTS_QUERY, slots | {"bound": BOUND_PARAMETERS})


def build_metric_slots(metric: CheckedMetric) -> dict[str, str]:
    """Return the slots of a metric's query and of its columns as the cube reads them."""
    return {
        "metric_columns": postgres.build_metric_columns_sql(metric),
        "metric_query": metric.query.text,
    }


def _build_source_slots(source: CheckedSource) -> dict[str, str]:
    return {
        "source_columns": connected_postgres.build_source_columns_sql(source),
        "source_query": source.query.text,
    }
