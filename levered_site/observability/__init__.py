"""Health checks, Prometheus metrics and structured logs."""
