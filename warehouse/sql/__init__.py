"""SQL as text: checks customers' queries, builds the cube's statement, decodes its rows."""

from warehouse.sql.customer.refusal import RefusedError

__all__ = ["RefusedError"]
