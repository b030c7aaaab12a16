"""The demonstration: plays traffic against a running service, through its HTTP API alone."""
