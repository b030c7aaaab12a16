"""What is read of an optimization: one module for each answer."""
