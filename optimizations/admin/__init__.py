"""Staff pages: optimizations with their deeds and results, and everything below them."""

from optimizations.admin import optimizations, parts, receipts

__all__ = ["optimizations", "parts", "receipts"]
