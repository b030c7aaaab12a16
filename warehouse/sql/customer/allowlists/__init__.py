"""What a query may use: nodes, functions and types, for all dialects and for each."""
