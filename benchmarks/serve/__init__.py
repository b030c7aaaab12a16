"""Decisions a second of a running service, each durable and sticky."""
