"""Simulation studies of the measured figures; run as `python -m benchmarks.statistics.<study>`."""
