"""Refuse queries that limit their rows: those left out would never count."""

from levered_site.errors import InvalidParametersError
from warehouse.sql.shapes import CheckedQuery

ROW_LIMIT = (
    "The SQL ends in {clause}, so most rows would never count: remove it. A preview has a "
    "limit of its own."
)


def refuse_row_limit(query: CheckedQuery) -> None:
    """Raise InvalidParametersError if the query as a whole has a LIMIT or an OFFSET."""
    if clause := query.traits.row_limit:
        message = ROW_LIMIT.format(clause=clause)
        raise InvalidParametersError.for_field("sql", message)
