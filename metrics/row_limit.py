"""Refuse queries that limit their rows: those left out would never count."""

from levered_site.errors import InvalidParametersError
from warehouse.sql.preview import counted_rows
from warehouse.sql.shapes import CheckedQuery


def refuse_row_limit(query: CheckedQuery) -> None:
    """Raise InvalidParametersError if the query as a whole has a LIMIT or an OFFSET."""
    if clause := counted_rows.find_row_limit(query):
        message = counted_rows.ROW_LIMIT.format(clause=clause)
        raise InvalidParametersError.for_field("sql", message)
