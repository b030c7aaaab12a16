"""Endpoints of optimizations."""
