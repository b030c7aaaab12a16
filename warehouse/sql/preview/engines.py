"""Sample rows and facts of a customer's queries on Snowflake and BigQuery."""

from collections.abc import Mapping
from datetime import datetime

from warehouse.sql.cube.blank_ids import BLANKS, build_blank_condition
from warehouse.sql.cube.cloud import (
    ENGINES,
    bind_start_date,
    build_metric_columns_sql,
    build_source_columns_sql,
)
from warehouse.sql.cube.engine import Engine, Parameters
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource, Statement

SAMPLE_QUERY = """SELECT *
FROM (
{query}
) AS q
LIMIT {limit}"""

# Blanks and quotes that an export may leave around ids; left out wherever they stand.
# BigQuery takes each character once only.
AROUND_IDS = f"{BLANKS}\u00a0\u200b\ufeff\"'`"
# Fields of a MetricFacts (backends.query_results), in their order, and their expressions.
# The caller sets `zoneless`: the sample's column types tell it.
METRIC_FACTS = {
    "rows": "COUNT(*)",
    "identified": """COUNT(CASE WHEN anonymous_id IS NOT NULL AND moment IS NOT NULL
                  THEN 1 END)""",
    "users": "(SELECT COUNT(*) FROM levered_people)",
    "matched_users": """(SELECT COUNT(*) FROM levered_people AS p
        JOIN levered_exposed AS e ON e.anonymous_id = p.anonymous_id)""",
    "exposed_users": "(SELECT COUNT(*) FROM levered_exposed) > 0",
    "future": "COUNT(CASE WHEN moment > {now} THEN 1 END)",
    "zoneless": "FALSE",
    "numeric": "COUNT(amount)",
    "values": "COUNT(DISTINCT amount)",
    "repeated": "COUNT(*) - (SELECT COUNT(*) FROM levered_distinct)",
    "midnight": """COUNT(CASE WHEN CAST(CAST(moment AS DATE) AS {timestamp}) = moment
                  THEN 1 END)""",
    "out_of_range": "0",
    "empty_ids": "COUNT(CASE WHEN {is_blank_id} THEN 1 END)",
    "alike_users": "(SELECT COUNT(*) FROM levered_alike)",
    "unread": "COUNT(amount_text) - COUNT(amount)",
    "unread_example": "SUBSTR(MIN(CASE WHEN amount IS NULL THEN amount_text END), 1, 40)",
}
METRIC_FACTS_QUERY = """WITH levered_rewards AS (
  SELECT {metric_columns}
  FROM (
{metric_query}
  ) AS q
),
levered_people AS (
  SELECT DISTINCT anonymous_id FROM levered_rewards WHERE NOT {is_blank_id}
),
levered_exposed AS (
  {exposed_users}
),
levered_alike AS (
  SELECT p.anonymous_id
  FROM levered_people AS p
  LEFT JOIN levered_exposed AS m ON m.anonymous_id = p.anonymous_id
  WHERE m.anonymous_id IS NULL AND TRANSLATE(LOWER(p.anonymous_id), {around}, '') IN (
    SELECT TRANSLATE(LOWER(e.anonymous_id), {around}, '') FROM levered_exposed AS e)
),
levered_distinct AS (
  SELECT DISTINCT anonymous_id, moment, amount_text, label FROM levered_rewards
)
SELECT {facts}
FROM levered_rewards"""
NO_EXPOSED_USERS = "SELECT CAST(NULL AS {text}) AS anonymous_id LIMIT 0"
EXPOSED_USERS = """SELECT DISTINCT CAST(q.{anonymous_id} AS {text}) AS anonymous_id
  FROM (
{source_query}
  ) AS q"""

# Likewise for SourceFacts.
SOURCE_FACTS = {
    "rows": METRIC_FACTS["rows"],
    "identified": METRIC_FACTS["identified"],
    "users": "COUNT(DISTINCT anonymous_id)",
    "future": METRIC_FACTS["future"],
    "zoneless": "FALSE",
    "no_objects": "COUNT(CASE WHEN {variant_object} IS NULL THEN 1 END)",
    "optimizations": "COUNT(DISTINCT optimization_id)",
    "empty_ids": METRIC_FACTS["empty_ids"],
    "no_contexts": """COUNT(CASE WHEN context <> '' AND LOWER(TRIM(context)) <> 'null'
                  AND {context_object} IS NULL THEN 1 END)""",
    "midnight": METRIC_FACTS["midnight"],
}
SOURCE_FACTS_QUERY = """WITH levered_exposures AS (
  SELECT {source_columns}
  FROM (
{source_query}
  ) AS q
)
SELECT {facts}
FROM levered_exposures"""


def build_sample(query: CheckedQuery, since: datetime, limit: int) -> Statement:
    """Build the statement that returns a query's first rows."""
    parameters = Parameters(ENGINES[query.dialect])
    slots = {
        "query": bind_start_date(parameters, query, since),
        "limit": str(int(limit)),
    }
    return build_statement(SAMPLE_QUERY, slots, parameters)


def build_facts(
    metric: CheckedMetric, source: CheckedSource | None, since: datetime, now: datetime
) -> Statement:
    """Build the statement that computes a MetricFacts over all rows of a metric.

    Its users are matched with those of `source`, if there is one.
    """
    parameters = Parameters(ENGINES[metric.query.dialect])
    slots = {
        **build_metric_slots(parameters, metric, since),
        "facts": _build_select_list_sql(METRIC_FACTS, parameters, now),
        "exposed_users": _build_exposed_users_sql(parameters, source, since),
        "is_blank_id": _build_blank_condition(parameters),
        "around": parameters.add_as(AROUND_IDS, parameters.engine.text_type),
    }
    return build_statement(METRIC_FACTS_QUERY, slots, parameters)


def build_source_facts(
    source: CheckedSource, since: datetime, now: datetime
) -> Statement:
    """Build the statement that computes a SourceFacts over all rows of a source."""
    parameters = Parameters(ENGINES[source.query.dialect])
    slots = {
        **build_source_slots(parameters, source, since),
        "facts": _build_select_list_sql(SOURCE_FACTS, parameters, now),
    }
    return build_statement(SOURCE_FACTS_QUERY, slots, parameters)


def build_statement(
    template: str, slots: Mapping[str, str], parameters: Parameters
) -> Statement:
    """Fill a template; number its parameters as the engine does."""
    return parameters.engine.number_parameters(
        fill_slots(template, slots), parameters.values
    )


def build_metric_slots(
    parameters: Parameters, metric: CheckedMetric, since: datetime
) -> dict[str, str]:
    """Return the slots of a metric's query and of its columns as the cube reads them."""
    return {
        "metric_columns": build_metric_columns_sql(parameters.engine, metric),
        "metric_query": bind_start_date(parameters, metric.query, since),
    }


def build_source_slots(
    parameters: Parameters, source: CheckedSource, since: datetime
) -> dict[str, str]:
    """Return the slots of a source's query and of its columns as the cube reads them."""
    return {
        "source_columns": build_source_columns_sql(parameters.engine, source),
        "source_query": bind_start_date(parameters, source.query, since),
    }


def _build_exposed_users_sql(
    parameters: Parameters, source: CheckedSource | None, since: datetime
) -> str:
    engine = parameters.engine
    if source is None:
        return fill_slots(NO_EXPOSED_USERS, {"text": engine.text_type})
    slots = {
        "anonymous_id": engine.quote_identifier(source.anonymous_id),
        "text": engine.text_type,
        "source_query": bind_start_date(parameters, source.query, since),
    }
    return fill_slots(EXPOSED_USERS, slots)


def _build_blank_condition(parameters: Parameters) -> str:
    blanks = parameters.add_as(BLANKS, parameters.engine.text_type)
    return build_blank_condition("anonymous_id", blanks)


def _build_select_list_sql(
    expressions: Mapping[str, str], parameters: Parameters, now: datetime
) -> str:
    """Name the facts' columns, and put the current time where they compare with it."""
    slots = {
        "now": parameters.add_timestamp(now),
        "timestamp": parameters.engine.timestamp_type,
        "is_blank_id": _build_blank_condition(parameters),
        "variant_object": parameters.engine.parse_json("variant"),
        "context_object": parameters.engine.parse_json("context"),
    }
    return fill_slots(build_named_columns_sql(parameters.engine, expressions), slots)


def build_named_columns_sql(engine: Engine, expressions: Mapping[str, str]) -> str:
    """Write a select list with quoted names, because some of them are keywords."""
    return ",\n       ".join(
        f"{expression} AS {engine.quote_identifier(name)}"
        for name, expression in expressions.items()
    )
