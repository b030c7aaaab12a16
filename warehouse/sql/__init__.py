"""SQL as text: customers' queries checked and scoped, the cube written and read back."""

from warehouse.sql.customer.refusal import RefusedError

__all__ = ["RefusedError"]
