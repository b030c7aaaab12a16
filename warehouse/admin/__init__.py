"""Admin pages of the warehouse."""

from warehouse.admin import events

__all__ = ["events"]
