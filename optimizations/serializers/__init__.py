"""Shapes of requests and answers about optimizations."""
