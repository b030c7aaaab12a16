"""Simulation studies of the statistics: `python -m benchmarks.statistics.<study>`."""
