"""Sample rows and facts of a customer's query on the managed store."""

from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.preview.postgres import (
    METRIC_FACTS_QUERY,
    PLAN_QUERY,
    build_metric_slots,
)
from warehouse.sql.shapes import CheckedMetric, CheckedQuery

# Parameters: $1 to $3 of a CheckedQuery. `bound` fixes their types even where the query
# leaves one unused.
BOUND_PARAMETERS = """WITH bound AS (
  SELECT CAST($1 AS text), CAST($2 AS timestamptz), CAST($3 AS uuid)
)"""

# $4 is the limit.
SAMPLE_QUERY = """{bound}
SELECT *
FROM (
{query}
) AS q
LIMIT $4"""

MATCHED_USERS = """(SELECT count(*) FROM people AS p
        WHERE EXISTS (
          SELECT FROM managed_dw.exposures AS e
          WHERE e.organization_id = $1 AND e.anonymous_id = p.anonymous_id))"""
HAS_EXPOSED_USERS = (
    "EXISTS (SELECT FROM managed_dw.exposures WHERE organization_id = $1)"
)


def build_sample(query: CheckedQuery) -> str:
    """Wrap a query so that at most $4 rows leave the warehouse."""
    return fill_slots(SAMPLE_QUERY, {"bound": BOUND_PARAMETERS, "query": query.text})


def build_plan(query: CheckedQuery) -> str:
    """Wrap a query so that the database plans it, and does not run it."""
    return fill_slots(PLAN_QUERY, {"bound": BOUND_PARAMETERS, "query": query.text})


def build_facts(metric: CheckedMetric) -> str:
    """Build the statement that computes a MetricFacts over all rows of a metric.

    $4 is the current time.
    """
    slots = build_metric_slots(metric) | {
        "bound": BOUND_PARAMETERS,
        "timestamp": quote_identifier(metric.timestamp),
        "exposed_cte": "",
        "matched_users": MATCHED_USERS,
        "has_exposed_users": HAS_EXPOSED_USERS,
        "now": "CAST($4 AS timestamptz)",
    }
    return fill_slots(METRIC_FACTS_QUERY, slots)
