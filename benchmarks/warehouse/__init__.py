"""Cost of counting in the warehouse, compared with reading the same rows."""
