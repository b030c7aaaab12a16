"""WITH queries that read themselves, and whether they end."""
