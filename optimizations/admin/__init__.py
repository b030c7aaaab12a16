"""Admin pages: optimizations with their actions and results, and all they own."""

from optimizations.admin import decisions, optimizations, related_objects

__all__ = ["decisions", "optimizations", "related_objects"]
