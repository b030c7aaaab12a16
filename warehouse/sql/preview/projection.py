"""A checked query reduced to the columns that the cube reads."""

from dataclasses import replace

from warehouse.sql.cube import cloud, connected_postgres, postgres
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

PROJECTION = """SELECT {columns}
FROM (
{query}
) AS {alias}"""


def project_columns(checked: CheckedMetric | CheckedSource) -> CheckedQuery:
    """Return the query for the mapped columns alone, renamed and cast as in the cube.

    Running it fails if a column has a type that cannot be cast.
    """
    engine = cloud.ENGINES.get(checked.query.dialect)
    alias = "q"
    if isinstance(checked, CheckedMetric):
        columns = (
            cloud.build_metric_columns_sql(engine, checked)
            if engine
            else postgres.build_metric_columns_sql(checked)
        )
    elif engine:
        columns = cloud.build_source_columns_sql(engine, checked)
    else:
        columns, alias = connected_postgres.build_source_columns_sql(checked), "s"
    slots = {"columns": columns, "query": checked.query.text, "alias": alias}
    return replace(checked.query, text=fill_slots(PROJECTION, slots), columns=None)
