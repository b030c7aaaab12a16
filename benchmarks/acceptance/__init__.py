"""How many statements of published collections the check of customers' SQL accepts."""
