"""Sample rows and facts of a customer's query on the managed store."""

from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.preview.id_spellings import build_spelling_slots
from warehouse.sql.preview.postgres import (
    METRIC_FACTS_QUERY,
    PLAN_QUERY,
    build_metric_slots,
    fill_sample,
)
from warehouse.sql.shapes import CheckedMetric, CheckedQuery

# Parameters: $1 to $4 of a CheckedQuery. `bound` fixes their types even where the query
# leaves one unused.
BOUND_PARAMETERS = """WITH bound AS (
  SELECT CAST($1 AS text), CAST($2 AS timestamptz), CAST($3 AS uuid),
         CAST($4 AS timestamptz)
)"""
# As $4: a preview shows rows dated ahead, and warns of them.
ALL_TIMES = "infinity"

IS_MATCHED = """EXISTS (
          SELECT FROM managed_dw.exposures AS m
          WHERE m.organization_id = $1 AND m.anonymous_id = p.anonymous_id)"""
MATCHED_USERS = f"""(SELECT count(*) FROM people AS p
        WHERE {IS_MATCHED})"""  # noqa: S608 - a constant of this module
OWN_EXPOSURES = "managed_dw.exposures WHERE organization_id = $1"
HAS_EXPOSED_USERS = (
    "EXISTS (SELECT FROM managed_dw.exposures WHERE organization_id = $1)"
)


def build_sample(query: CheckedQuery) -> str:
    """Wrap a query so that at most $5 rows and $6 bytes leave the warehouse.

    The last column is the wrapper's own.
    """
    return fill_sample(query, BOUND_PARAMETERS, "$5", "$6")


def build_plan(query: CheckedQuery) -> str:
    """Wrap a query so that the database plans it, and does not run it."""
    return fill_slots(PLAN_QUERY, {"bound": BOUND_PARAMETERS, "query": query.text})


def build_facts(metric: CheckedMetric) -> str:
    """Build the statement that computes a MetricFacts over all rows of a metric.

    $5 is the current time.
    """
    slots = build_metric_slots(metric) | {
        "bound": BOUND_PARAMETERS,
        "timestamp": quote_identifier(metric.timestamp),
        "exposed_cte": "",
        "matched_users": MATCHED_USERS,
        **build_spelling_slots(OWN_EXPOSURES, IS_MATCHED),
        "has_exposed_users": HAS_EXPOSED_USERS,
        "now": "CAST($5 AS timestamptz)",
    }
    return fill_slots(METRIC_FACTS_QUERY, slots)
