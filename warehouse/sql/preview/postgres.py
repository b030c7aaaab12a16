"""Queries for people on a customer's own Postgres: first rows, facts of all, counts by day."""

from warehouse.sql.cube import connected_postgres, postgres
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

# Parameters everywhere: $1 and $2 the start date (of sources, of metrics), settled in
# `bound` also where a query leaves them unused.
BOUND_PARAMETERS = """WITH bound AS (
  SELECT CAST($1 AS timestamptz), CAST($2 AS timestamptz)
)"""

# $3 rows at most, $4 bytes at most: a row over it fails the query before it leaves. The
# text differs by row, so that no planner tries the cast beforehand. The last column is
# ours.
SAMPLE_QUERY = """{bound},
levered_rows AS (
  SELECT * FROM (
{customer_query}
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

# $3 the present moment. Read back, in this order, as backends.base.Facts.
FACTS_QUERY = """{bound},
rewards AS (
  SELECT {reward_columns},
         CAST(pg_typeof(q.{timestamp}) AS text) = 'timestamp without time zone'
           AS zoneless
  FROM (
{customer_query}
  ) AS q
),
people AS (
  SELECT DISTINCT anonymous_id FROM rewards WHERE anonymous_id IS NOT NULL
),
exposed AS (
  {exposed}
),
distinct_rows AS (
  SELECT DISTINCT anonymous_id, at, text_value, name FROM rewards
)
SELECT count(*) AS rows,
       count(*) FILTER (WHERE anonymous_id IS NOT NULL AND at IS NOT NULL) AS identified,
       (SELECT count(*) FROM people) AS users,
       (SELECT count(*) FROM people JOIN exposed USING (anonymous_id)) AS matched_users,
       EXISTS (SELECT FROM exposed) AS exposed_users,
       count(*) FILTER (WHERE at > CAST($3 AS timestamptz)) AS future,
       COALESCE(bool_or(zoneless), false) AS zoneless,
       count(value) AS numeric, count(DISTINCT value) AS values,
       count(*) - (SELECT count(*) FROM distinct_rows) AS repeated
FROM rewards"""
NO_EXPOSED_USERS = "SELECT CAST(NULL AS text) AS anonymous_id WHERE false"
EXPOSED_USERS = """SELECT DISTINCT CAST(s.{anonymous_id} AS text) AS anonymous_id
  FROM (
{source_query}
  ) AS s"""

# $3 the present moment. Read back, in this order, as backends.base.SourceFacts.
SOURCE_FACTS_QUERY = """{bound},
exposures AS (
  SELECT {exposure_columns},
         CAST(pg_typeof(s.{timestamp}) AS text) = 'timestamp without time zone'
           AS zoneless
  FROM (
{source_query}
  ) AS s
)
SELECT count(*) AS rows,
       count(*) FILTER (WHERE anonymous_id IS NOT NULL AND at IS NOT NULL) AS identified,
       count(DISTINCT anonymous_id) AS users,
       count(*) FILTER (WHERE at > CAST($3 AS timestamptz)) AS future,
       COALESCE(bool_or(zoneless), false) AS zoneless,
       count(*) FILTER (WHERE variant_text IS NULL OR variant_text NOT LIKE '{%}')
         AS no_objects,
       count(DISTINCT optimization_id) AS optimizations
FROM exposures"""

# $3 the optimization's id as text, $4 the moment of reading.
DAY_COUNTS_QUERY = """{bound}
SELECT CAST(at AT TIME ZONE 'UTC' AS date) AS day,
       count(*) FILTER (WHERE exposure) AS exposures,
       count(*) FILTER (WHERE NOT exposure) AS rewards
FROM (
  SELECT e.at, true AS exposure
  FROM (
    SELECT {exposure_columns}
    FROM (
{source_query}
    ) AS s
  ) AS e
  WHERE e.optimization_id = CAST($3 AS text) AND e.anonymous_id IS NOT NULL
  UNION ALL
  SELECT r.at, false
  FROM (
    SELECT {reward_columns}
    FROM (
{customer_query}
    ) AS q
  ) AS r
  WHERE r.anonymous_id IS NOT NULL
) AS seen
WHERE at >= CAST($1 AS timestamptz) AND at <= CAST($4 AS timestamptz)
GROUP BY 1"""


def build_sample(query: CheckedQuery) -> str:
    """Wrap a query so that no more rows and bytes than allowed leave the warehouse."""
    return fill_slots(
        SAMPLE_QUERY, {"bound": BOUND_PARAMETERS, "customer_query": query.text}
    )


def build_facts(metric: CheckedMetric, source: CheckedSource | None) -> str:
    """Write the statement that looks at all rows of a metric, and who was exposed."""
    exposed = NO_EXPOSED_USERS
    if source is not None:
        exposed = fill_slots(
            EXPOSED_USERS,
            {
                "anonymous_id": quote_identifier(source.anonymous_id),
                "source_query": source.query.text,
            },
        )
    slots = _build_metric_slots(metric) | {
        "timestamp": quote_identifier(metric.timestamp),
        "exposed": exposed,
    }
    return fill_slots(FACTS_QUERY, slots)


def build_source_facts(source: CheckedSource) -> str:
    """Write the statement that looks at all rows of an assignment source."""
    slots = _build_source_slots(source) | {
        "timestamp": quote_identifier(source.timestamp)
    }
    return fill_slots(SOURCE_FACTS_QUERY, slots)


def build_day_counts(metric: CheckedMetric, source: CheckedSource) -> str:
    """Write the statement that counts the rows of each day: what came late shows."""
    return fill_slots(
        DAY_COUNTS_QUERY, _build_metric_slots(metric) | _build_source_slots(source)
    )


def _build_metric_slots(metric: CheckedMetric) -> dict[str, str]:
    return {
        "bound": BOUND_PARAMETERS,
        "reward_columns": postgres.build_reward_columns(metric),
        "customer_query": metric.query.text,
    }


def _build_source_slots(source: CheckedSource) -> dict[str, str]:
    return {
        "bound": BOUND_PARAMETERS,
        "exposure_columns": connected_postgres.build_exposure_columns(source),
        "source_query": source.query.text,
    }
