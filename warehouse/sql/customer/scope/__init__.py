"""Which tables a query reads, and whose rows of them."""
