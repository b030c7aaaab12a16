"""Queries for people on Snowflake and BigQuery: first rows, facts of all, counts by day."""

from collections.abc import Callable
from datetime import datetime

from warehouse.sql.cube import bigquery, snowflake
from warehouse.sql.cube.engine import Engine, Parameters
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.cube.spec_text import (
    build_metric_columns,
    build_source_columns,
    format_start_date,
)
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource, Statement

SAMPLE_QUERY = """SELECT *
FROM (
{query}
) AS q
LIMIT {limit}"""

# Read back, in this order, as backends.base.Facts; whether a moment has a zone, the
# columns of the sample tell.
FACTS_QUERY = """WITH levered_rewards AS (
  SELECT {metric_columns}
  FROM (
{metric_query}
  ) AS q
),
levered_people AS (
  SELECT DISTINCT anonymous_id FROM levered_rewards WHERE anonymous_id IS NOT NULL
),
levered_exposed AS (
  {exposed}
),
levered_distinct AS (
  SELECT DISTINCT anonymous_id, moment, amount_text, label FROM levered_rewards
)
SELECT COUNT(*), COUNT(CASE WHEN anonymous_id IS NOT NULL AND moment IS NOT NULL
                            THEN 1 END),
       (SELECT COUNT(*) FROM levered_people),
       (SELECT COUNT(*) FROM levered_people AS p
        JOIN levered_exposed AS e ON e.anonymous_id = p.anonymous_id),
       (SELECT COUNT(*) FROM levered_exposed) > 0,
       COUNT(CASE WHEN moment > {now} THEN 1 END), FALSE,
       COUNT(amount), COUNT(DISTINCT amount),
       COUNT(*) - (SELECT COUNT(*) FROM levered_distinct)
FROM levered_rewards"""
NO_EXPOSED_USERS = "SELECT CAST(NULL AS {text}) AS anonymous_id LIMIT 0"
EXPOSED_USERS = """SELECT DISTINCT CAST(q.{anonymous_id} AS {text}) AS anonymous_id
  FROM (
{source_query}
  ) AS q"""

# Read back, in this order, as backends.base.SourceFacts.
SOURCE_FACTS_QUERY = """WITH levered_exposures AS (
  SELECT {source_columns}
  FROM (
{source_query}
  ) AS q
)
SELECT COUNT(*), COUNT(CASE WHEN anonymous_id IS NOT NULL AND moment IS NOT NULL
                            THEN 1 END),
       COUNT(DISTINCT anonymous_id), COUNT(CASE WHEN moment > {now} THEN 1 END), FALSE,
       COUNT(CASE WHEN LTRIM(variant) NOT LIKE '{%' THEN 1 END),
       COUNT(DISTINCT optimization_id)
FROM levered_exposures"""

DAY_COUNTS_QUERY = """SELECT CAST(moment AS DATE), SUM(exposure), SUM(1 - exposure)
FROM (
  SELECT e.moment, 1 AS exposure
  FROM (
    SELECT {source_columns}
    FROM (
{source_query}
    ) AS q
  ) AS e
  WHERE e.optimization_id = {optimization_id} AND e.anonymous_id IS NOT NULL
  UNION ALL
  SELECT r.moment, 0
  FROM (
    SELECT {metric_columns}
    FROM (
{metric_query}
    ) AS q
  ) AS r
  WHERE r.anonymous_id IS NOT NULL
) AS seen
WHERE moment >= {since} AND moment <= {until}
GROUP BY 1"""

StatementFinisher = Callable[[str, list[object]], Statement]
ENGINES: dict[str, tuple[Engine, StatementFinisher]] = {
    "snowflake": (snowflake.ENGINE, snowflake.order_parameters),
    "bigquery": (bigquery.ENGINE, bigquery.name_parameters),
}


def build_sample(query: CheckedQuery, since: datetime, limit: int) -> Statement:
    """Write the statement of a query's first rows."""
    engine, finish = ENGINES[query.dialect]
    parameters = Parameters(engine)
    slots = {"query": _bind_query(parameters, query, since), "limit": str(int(limit))}
    return finish(fill_slots(SAMPLE_QUERY, slots), parameters.values)


def build_facts(
    metric: CheckedMetric, source: CheckedSource | None, since: datetime, now: datetime
) -> Statement:
    """Write the statement that looks at all rows of a metric, and who was exposed."""
    engine, finish = ENGINES[metric.query.dialect]
    parameters = Parameters(engine)
    slots = {
        **_build_metric_slots(parameters, metric, since),
        "now": parameters.moment(now),
        "exposed": fill_slots(NO_EXPOSED_USERS, {"text": engine.text}),
    }
    if source is not None:
        exposed = {
            "anonymous_id": engine.quote(source.anonymous_id),
            "text": engine.text,
            "source_query": _bind_query(parameters, source.query, since),
        }
        slots["exposed"] = fill_slots(EXPOSED_USERS, exposed)
    return finish(fill_slots(FACTS_QUERY, slots), parameters.values)


def build_source_facts(
    source: CheckedSource, since: datetime, now: datetime
) -> Statement:
    """Write the statement that looks at all rows of an assignment source."""
    engine, finish = ENGINES[source.query.dialect]
    parameters = Parameters(engine)
    slots = _build_source_slots(parameters, source, since) | {
        "now": parameters.moment(now)
    }
    return finish(fill_slots(SOURCE_FACTS_QUERY, slots), parameters.values)


def build_day_counts(
    metric: CheckedMetric,
    source: CheckedSource,
    optimization_id: str,
    since: datetime,
    until: datetime,
) -> Statement:
    """Write the statement that counts the rows of each day: what came late shows."""
    engine, finish = ENGINES[metric.query.dialect]
    parameters = Parameters(engine)
    slots = {
        **_build_metric_slots(parameters, metric, since),
        **_build_source_slots(parameters, source, since),
        "optimization_id": parameters.cast(optimization_id.lower(), engine.text),
        "since": parameters.moment(since),
        "until": parameters.moment(until),
    }
    return finish(fill_slots(DAY_COUNTS_QUERY, slots), parameters.values)


def _build_metric_slots(
    parameters: Parameters, metric: CheckedMetric, since: datetime
) -> dict[str, str]:
    return {
        "metric_columns": build_metric_columns(parameters.engine, metric),
        "metric_query": _bind_query(parameters, metric.query, since),
    }


def _build_source_slots(
    parameters: Parameters, source: CheckedSource, since: datetime
) -> dict[str, str]:
    return {
        "source_columns": build_source_columns(parameters.engine, source),
        "source_query": _bind_query(parameters, source.query, since),
    }


def _bind_query(parameters: Parameters, query: CheckedQuery, since: datetime) -> str:
    """Put a start date's mark into a query, where it takes one."""
    if not query.takes_start_date:
        return query.text
    engine = parameters.engine
    return engine.start_date(
        query.text, parameters.mark(format_start_date(engine, since))
    )
