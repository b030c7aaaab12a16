"""A customer's query for people: its first rows, and what is true of all rows."""

from warehouse.sql.cube import postgres
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CheckedQuery

# Parameters: those of a CheckedQuery, then the limit. `bound` settles their types also
# where the query leaves one unused.
SAMPLE_QUERY = """WITH bound AS (
  SELECT CAST($1 AS text), CAST($2 AS timestamptz), CAST($3 AS uuid)
)
SELECT *
FROM (
{customer_query}
) AS q
LIMIT $4"""

# Parameters: those of a CheckedQuery, then the present moment. Read back, in this order,
# as backends.base.Facts.
FACTS_QUERY = """WITH bound AS (
  SELECT CAST($1 AS text), CAST($2 AS timestamptz), CAST($3 AS uuid)
),
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
matched AS (
  SELECT count(*) AS users
  FROM people AS p
  WHERE EXISTS (
    SELECT FROM managed_dw.exposures AS e
    WHERE e.organization_id = $1 AND e.anonymous_id = p.anonymous_id)
),
distinct_rows AS (
  SELECT DISTINCT anonymous_id, at, text_value, name FROM rewards
)
SELECT count(*) AS rows,
       count(*) FILTER (WHERE anonymous_id IS NOT NULL AND at IS NOT NULL) AS identified,
       (SELECT count(*) FROM people) AS users,
       (SELECT users FROM matched) AS matched_users,
       EXISTS (SELECT FROM managed_dw.exposures WHERE organization_id = $1)
         AS exposed_users,
       count(*) FILTER (WHERE at > CAST($4 AS timestamptz)) AS future,
       COALESCE(bool_or(zoneless), false) AS zoneless,
       count(value) AS numeric, count(DISTINCT value) AS values,
       count(*) - (SELECT count(*) FROM distinct_rows) AS repeated
FROM rewards"""


def build_sample(query: CheckedQuery) -> str:
    """Wrap a query so that no more rows than asked for leave the warehouse."""
    return fill_slots(SAMPLE_QUERY, {"customer_query": query.text})


def build_facts(metric: CheckedMetric) -> str:
    """Write the one statement that looks at all rows of a metric."""
    return fill_slots(
        FACTS_QUERY,
        {
            "customer_query": metric.query.text,
            "reward_columns": postgres.build_reward_columns(metric),
            "timestamp": quote_identifier(metric.timestamp),
        },
    )
