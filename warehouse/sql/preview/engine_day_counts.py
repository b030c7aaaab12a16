"""The question about the rows of each day, for Snowflake and BigQuery."""

from datetime import datetime

from warehouse.sql.cube.cloud import ENGINES
from warehouse.sql.cube.engine import Parameters
from warehouse.sql.preview.engines import (
    build_metric_slots,
    build_named_columns_sql,
    build_source_slots,
    build_statement,
)
from warehouse.sql.shapes import CheckedMetric, CheckedSource, Statement

DAY_COUNTS = {
    "day": "CAST(moment AS DATE)",
    "exposures": "SUM(exposure)",
    "rewards": "SUM(1 - exposure)",
    # A sum of 31-bit hashes changes with any row, whatever the order of the rows.
    "exposures_hash": "COALESCE(SUM(CASE WHEN exposure = 1 THEN row_hash END), 0)",
    "rewards_hash": "COALESCE(SUM(CASE WHEN exposure = 0 THEN row_hash END), 0)",
}
# What a row is changed in if it is changed in place; the moment as text is the engine's.
EXPOSURE_COLUMNS = (
    "e.anonymous_id",
    "e.moment",
    "e.variant",
    "e.context",
    "e.policy_version",
)
REWARD_COLUMNS = ("r.anonymous_id", "r.moment", "r.amount_text", "r.label")
DAY_COUNTS_QUERY = """SELECT {counts}
FROM (
  SELECT e.moment, 1 AS exposure, {exposure_hash} AS row_hash
  FROM (
    SELECT {source_columns}
    FROM (
{source_query}
    ) AS q
  ) AS e
  WHERE e.optimization_id = {optimization_id} AND e.anonymous_id IS NOT NULL
  UNION ALL
  SELECT r.moment, 0, {reward_hash}
  FROM (
    SELECT {metric_columns}
    FROM (
{metric_query}
    ) AS q
  ) AS r
  WHERE r.anonymous_id IS NOT NULL
) AS events
WHERE moment >= {since} AND moment <= {until}
GROUP BY 1"""


def build_day_counts(
    metric: CheckedMetric,
    source: CheckedSource,
    optimization_id: str,
    since: datetime,
    until: datetime,
    metric_start: datetime,
) -> Statement:
    """Build the statement that counts and hashes rows by day (UTC).

    It reveals late rows, and rows that were changed in place.
    """
    engine = ENGINES[metric.query.dialect]
    parameters = Parameters(engine)
    slots = {
        **build_metric_slots(parameters, metric, metric_start),
        **build_source_slots(parameters, source, since),
        "counts": build_named_columns_sql(engine, DAY_COUNTS),
        "exposure_hash": engine.hash_row(EXPOSURE_COLUMNS),
        "reward_hash": engine.hash_row(REWARD_COLUMNS),
        "optimization_id": parameters.add_as(optimization_id.lower(), engine.text_type),
        "since": parameters.add_timestamp(since),
        "until": parameters.add_timestamp(until),
    }
    return build_statement(DAY_COUNTS_QUERY, slots, parameters)
