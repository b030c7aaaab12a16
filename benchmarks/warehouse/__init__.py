"""What counting in the warehouse costs, beside reading the same rows."""
