"""How many decisions a second, durable and sticky, against a running service."""
