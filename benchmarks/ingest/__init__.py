"""Ingestion: events a second and how long a batch waits, of one or two checkouts."""
