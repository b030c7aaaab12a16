"""Measurements of the learner, the statistics and the service; each prints a table."""
