"""Admin pages of metrics and assignment sources."""

from metrics.admin import assignment_sources, metrics

__all__ = ["assignment_sources", "metrics"]
