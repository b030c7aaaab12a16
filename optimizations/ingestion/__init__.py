"""Accept exposures and rewards from clients, and erase a person's events."""
