"""A checked query as the cube reads it: its mapped columns under our names and types."""

from dataclasses import replace

from warehouse.sql import (
    cube_bigquery,
    cube_connected_postgres,
    cube_postgres,
    cube_snowflake,
)
from warehouse.sql.cube_written import metric_columns, source_columns
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource
from warehouse.sql.slots import fill

ENGINES = {"snowflake": cube_snowflake.ENGINE, "bigquery": cube_bigquery.ENGINE}
READ = """SELECT {columns}
FROM (
{query}
) AS {name}"""


def query(checked: CheckedMetric | CheckedSource) -> CheckedQuery:
    """Write the query for the mapped columns alone; types that cannot be fail it."""
    engine = ENGINES.get(checked.query.dialect)
    name = "q"
    if isinstance(checked, CheckedMetric):
        columns = (
            metric_columns(engine, checked)
            if engine
            else cube_postgres.reward_columns(checked)
        )
    elif engine:
        columns = source_columns(engine, checked)
    else:
        columns, name = cube_connected_postgres.exposure_columns(checked), "s"
    slots = {"columns": columns, "query": checked.query.text, "name": name}
    return replace(checked.query, text=fill(READ, slots), columns=None)
