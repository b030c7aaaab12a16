"""Queries for people on a customer's own Postgres: first rows, facts of all, counts by day."""

from warehouse.sql.cube import connected_postgres, postgres
from warehouse.sql.cube.slots import fill
from warehouse.sql.customer.check import quote
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

# Parameters everywhere: $1 and $2 the start date (of sources, of metrics), settled in
# `bound` also where a query leaves them unused.
BOUND = """WITH bound AS (
  SELECT CAST($1 AS timestamptz), CAST($2 AS timestamptz)
)"""

# $3 rows at most, $4 bytes at most: a row over it fails the query before it leaves. The
# text differs by row, so that no planner tries the cast beforehand. The last column is
# ours.
SAMPLE = """{bound},
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
FACTS = """{bound},
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
NOBODY = "SELECT CAST(NULL AS text) AS anonymous_id WHERE false"
EXPOSED = """SELECT DISTINCT CAST(s.{anonymous_id} AS text) AS anonymous_id
  FROM (
{source_query}
  ) AS s"""

# $3 the present moment. Read back, in this order, as backends.base.SourceFacts.
SOURCE_FACTS = """{bound},
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
RECOUNT = """{bound}
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


def sample(query: CheckedQuery) -> str:
    """Wrap a query so that no more rows and bytes than allowed leave the warehouse."""
    return fill(SAMPLE, {"bound": BOUND, "customer_query": query.text})


def facts(metric: CheckedMetric, source: CheckedSource | None) -> str:
    """Write the statement that looks at all rows of a metric, and who was exposed."""
    exposed = NOBODY
    if source is not None:
        exposed = fill(
            EXPOSED,
            {
                "anonymous_id": quote(source.anonymous_id),
                "source_query": source.query.text,
            },
        )
    slots = _metric(metric) | {"timestamp": quote(metric.timestamp), "exposed": exposed}
    return fill(FACTS, slots)


def source_facts(source: CheckedSource) -> str:
    """Write the statement that looks at all rows of an assignment source."""
    slots = _source(source) | {"timestamp": quote(source.timestamp)}
    return fill(SOURCE_FACTS, slots)


def recount(metric: CheckedMetric, source: CheckedSource) -> str:
    """Write the statement that counts the rows of each day: what came late shows."""
    return fill(RECOUNT, _metric(metric) | _source(source))


def _metric(metric: CheckedMetric) -> dict[str, str]:
    return {
        "bound": BOUND,
        "reward_columns": postgres.reward_columns(metric),
        "customer_query": metric.query.text,
    }


def _source(source: CheckedSource) -> dict[str, str]:
    return {
        "bound": BOUND,
        "exposure_columns": connected_postgres.exposure_columns(source),
        "source_query": source.query.text,
    }
