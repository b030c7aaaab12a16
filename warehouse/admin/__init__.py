"""Admin pages of connections (without credentials) and of ingested events."""

from warehouse.admin import connections, events

__all__ = ["connections", "events"]
