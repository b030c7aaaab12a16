"""A checked query as the cube reads it: its mapped columns under our names and types."""

from dataclasses import replace

from warehouse.sql.cube import bigquery, connected_postgres, postgres, snowflake
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.cube.spec_text import build_metric_columns, build_source_columns
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

ENGINES = {"snowflake": snowflake.ENGINE, "bigquery": bigquery.ENGINE}
PROJECTION = """SELECT {columns}
FROM (
{query}
) AS {name}"""


def project_columns(checked: CheckedMetric | CheckedSource) -> CheckedQuery:
    """Write the query for the mapped columns alone; types that cannot be fail it."""
    engine = ENGINES.get(checked.query.dialect)
    name = "q"
    if isinstance(checked, CheckedMetric):
        columns = (
            build_metric_columns(engine, checked)
            if engine
            else postgres.build_reward_columns(checked)
        )
    elif engine:
        columns = build_source_columns(engine, checked)
    else:
        columns, name = connected_postgres.build_exposure_columns(checked), "s"
    slots = {"columns": columns, "query": checked.query.text, "name": name}
    return replace(checked.query, text=fill_slots(PROJECTION, slots), columns=None)
