"""What a query's rows depend on."""
