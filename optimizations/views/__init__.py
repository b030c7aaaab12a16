"""HTTP endpoints of optimizations."""
