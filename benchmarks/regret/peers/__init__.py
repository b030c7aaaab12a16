"""Adapters of other people's bandit libraries, one module a library."""
