"""Which nodes of a parsed query are refused, and with what advice."""
