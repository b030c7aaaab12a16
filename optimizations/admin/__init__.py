"""Staff pages: optimizations with their deeds and results, and everything below them."""

from optimizations.admin import decisions, optimizations, related_objects

__all__ = ["decisions", "optimizations", "related_objects"]
