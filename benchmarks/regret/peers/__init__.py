"""Adapters of other bandit libraries, one module per library."""
