"""The demo: sends replayed and simulated traffic to a running service over its HTTP API."""
